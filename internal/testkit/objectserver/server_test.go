// The server itself: what is acknowledged outlives a kill, a frozen one is
// silent, and nothing is left behind.
package objectserver

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// TestProgramIsBuilt is what make tools-test runs.
func TestProgramIsBuilt(t *testing.T) {
	program, err := Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Error(err)
	}
}

func TestServerLivesThroughKillAndFreeze(t *testing.T) {
	s, err := Start(t.Context(), Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
			t.Errorf("the folder is still there: %v", err)
		}
	}()
	bucket, c := s.NewBucket(t), s.Client(t)
	want := []byte("here")
	if _, err := c.PutObject(t.Context(), bucket, "kept", bytes.NewReader(want), int64(len(want)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	read := func(ctx context.Context) ([]byte, error) {
		o, err := c.GetObject(ctx, bucket, "kept", minio.GetObjectOptions{})
		if err != nil {
			return nil, err
		}
		defer func() { _ = o.Close() }()
		return io.ReadAll(o)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := read(short); err == nil {
		t.Error("after a kill the server answers")
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after a kill: %q, %v", got, err)
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	short, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := read(short); err == nil {
		t.Error("a frozen server answers")
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after the thaw: %q, %v", got, err)
	}
	if file, err := os.ReadFile(s.File(bucket, "kept")); err != nil || !bytes.Equal(file, want) {
		t.Errorf("its file holds %q, %v", file, err)
	}
}
