// What we rely on in the S3 API, seen by a bare client (docs/facts/s3.md).
package s3blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"

	"tidemark/internal/testkit/objectserver"
)

func copyWithoutMetadata(t *testing.T, s *objectserver.Server, bucket, from, to string) {
	t.Helper()
	if _, err := s.Client(t).CopyObject(t.Context(), minio.CopyDestOptions{Bucket: bucket, Object: to, ReplaceMetadata: true},
		minio.CopySrcOptions{Bucket: bucket, Object: from}); err != nil {
		t.Fatal(err)
	}
}

func TestFact_ReadAndListSeeWhatWasJustWritten(t *testing.T) {
	s := startServer(t, objectserver.Options{})
	bucket, writer, reader := s.NewBucket(t), s.Client(t), s.Client(t)
	for i := range 50 {
		want := fmt.Appendf(nil, "version %d", i)
		if _, err := writer.PutObject(t.Context(), bucket, "k", bytes.NewReader(want), int64(len(want)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		o, err := reader.GetObject(t.Context(), bucket, "k", minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := o.Read(got); !bytes.Equal(got, want) {
			t.Fatalf("read %q after %q was written, %v", got, want, err)
		}
		_ = o.Close()
		for info := range reader.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true}) {
			if info.Err != nil || info.Size != int64(len(want)) {
				t.Fatalf("listed %+v after %d bytes were written", info, len(want))
			}
		}
	}
}

func TestFact_OfManyConditionalPutsOneSucceeds(t *testing.T) {
	const writers = 16
	s := startServer(t, objectserver.Options{})
	bucket := s.NewBucket(t)
	for round := range 10 {
		codes := make([]string, writers)
		start := make(chan struct{})
		var group sync.WaitGroup
		for i := range writers {
			c := minio.Core{Client: s.Client(t)}
			group.Go(func() {
				opts := minio.PutObjectOptions{DisableContentSha256: true}
				opts.SetMatchETagExcept("*")
				<-start
				_, err := c.PutObject(t.Context(), bucket, fmt.Sprint("k", round), strings.NewReader("x"), 1, "", "", opts)
				codes[i] = minio.ToErrorResponse(err).Code
			})
		}
		close(start)
		group.Wait()
		slices.Sort(codes)
		if codes[0] != "" || codes[1] != minio.PreconditionFailed || codes[writers-1] != minio.PreconditionFailed {
			t.Fatalf("answers: %q, want one success", codes)
		}
	}
}

func TestFact_SignedSumOfOtherBytesIsRefused(t *testing.T) {
	s := startServer(t, objectserver.Options{})
	bucket, c := s.NewBucket(t), minio.Core{Client: s.Client(t)}
	sum := sha256.Sum256([]byte("right"))
	_, err := c.PutObject(t.Context(), bucket, "k", strings.NewReader("wrong"), 5, "", hex.EncodeToString(sum[:]),
		minio.PutObjectOptions{DisableContentSha256: true})
	if got := minio.ToErrorResponse(err).Code; got != minio.XAmzContentSHA256Mismatch {
		t.Errorf("answer %q (%v), want %s", got, err, minio.XAmzContentSHA256Mismatch)
	}
	if _, err := c.StatObject(t.Context(), bucket, "k", minio.StatObjectOptions{}); minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		t.Errorf("afterwards: %v, want no object", err)
	}
}

func TestFact_ListIsInOrderOfBytes(t *testing.T) {
	s := startServer(t, objectserver.Options{})
	bucket, c := s.NewBucket(t), s.Client(t)
	want := []string{"b-1", "b.1", "b/1", "b/1-1", "b/1.5/x", "b/10", "b0", "b_"}
	for _, key := range want {
		if _, err := c.PutObject(t.Context(), bucket, key, strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for info := range c.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true, MaxKeys: 3}) {
		got = append(got, info.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}
