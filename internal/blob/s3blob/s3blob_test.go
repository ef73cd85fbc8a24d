// The suite on a real server, and what happens when that is frozen or killed.
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/testkit/objectserver"
)

func startServer(t *testing.T, o objectserver.Options) *objectserver.Server {
	t.Helper()
	s, err := objectserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func configOf(s *objectserver.Server, bucket string) Config {
	c := DefaultConfig()
	c.Endpoint, c.Bucket, c.Prefix, c.PathStyle, c.CAFile = s.URL(), bucket, "some/where/", true, s.CAFile
	c.AccessKey, c.SecretKey = objectserver.AccessKey, objectserver.SecretKey
	return c
}

func openConfig(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

type place struct {
	server *objectserver.Server
	bucket string
}

func (p place) Open(t *testing.T) blob.Store { return openConfig(t, configOf(p.server, p.bucket)) }

func (p place) Damage(t *testing.T, key string) {
	t.Helper()
	name := p.server.File(p.bucket, "some/where/"+key)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBucketKeepsThePromises(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	blobtest.Run(t, func(t *testing.T) blobtest.Place { return place{server, server.NewBucket(t)} })
}

func TestTLSIsVerifiedByTheFileOfCertificates(t *testing.T) {
	server := startServer(t, objectserver.Options{TLS: true})
	c := configOf(server, server.NewBucket(t))
	s := openConfig(t, c)
	if err := blob.Probe(t.Context(), s); err != nil {
		t.Errorf("with the file: %v", err)
	}
	c.CAFile, c.Tries = "", 1
	if err := blob.Probe(t.Context(), openConfig(t, c)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the file: %v, want an error of the certificate", err)
	}
}

// frozen: every call ends by itself, though its context never does.
func TestB7_FrozenServerHoldsNobody(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	c := configOf(server, server.NewBucket(t))
	ctx := context.Background()
	big := strings.Repeat("0123456789abcdef", 4<<20) // more than buffers of the kernel take
	if err := openConfig(t, c).Put(ctx, "there", blob.Bytes([]byte(big))); err != nil {
		t.Fatal(err)
	}
	c.StallTimeout, c.Tries = 200*time.Millisecond, 2
	s := openConfig(t, c)
	reader, err := s.Get(ctx, "there")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"put":        func() error { return s.Put(ctx, "a", blob.Bytes([]byte("x"))) },
		"put of big": func() error { return s.Put(ctx, "b", blob.Bytes([]byte(big))) },
		"create":     func() error { return s.Create(ctx, "c", blob.Bytes(nil)) },
		"delete":     func() error { return s.Delete(ctx, "there") },
		"get":        func() error { _, err := s.Get(ctx, "there"); return err },
		"read":       func() error { _, err := io.Copy(io.Discard, reader); return err },
		"list": func() error {
			for _, err := range s.List(ctx, "") {
				return err
			}
			return nil
		},
	}
	var group sync.WaitGroup
	for what, call := range calls {
		group.Go(func() {
			if err := call(); !errors.Is(err, blob.ErrAway) {
				t.Errorf("%s: %v, want ErrAway", what, err)
			}
		})
	}
	group.Wait()
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
}

// A server that is killed again and again while objects are made: what was
// acknowledged is whole, everything else is whole or not there (B1, B6).
func TestB6_KilledServerKeepsWhatItAcknowledged(t *testing.T) {
	const rounds, writers, size = 5, 4, 300_000
	server := startServer(t, objectserver.Options{})
	c := configOf(server, server.NewBucket(t))
	c.Tries, c.StallTimeout = 1, 5*time.Second
	s := openConfig(t, c)
	text := func(key string) string { return strings.Repeat(key, size/len(key)) }
	var acknowledged, all sync.Map
	for round := range rounds {
		ctx, stop := context.WithCancel(t.Context())
		made := make(chan struct{}, 1000)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					key := fmt.Sprintf("r%d/w%d/n%d", round, w, n)
					all.Store(key, true)
					if s.Put(ctx, key, blob.Bytes([]byte(text(key)))) == nil {
						acknowledged.Store(key, true)
					}
					select {
					case made <- struct{}{}:
					case <-ctx.Done():
					}
				}
			})
		}
		for range 10 + 3*round {
			<-made
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		stop()
		group.Wait()
		if err := server.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	whole := 0
	all.Range(func(k, _ any) bool {
		key := k.(string)
		_, mustBe := acknowledged.Load(key)
		got, err := blob.Read(t.Context(), s, key, size)
		switch {
		case err == nil && string(got) == text(key):
			whole++
		case errors.Is(err, blob.ErrNotFound) && !mustBe:
		default:
			t.Errorf("object %s: %d bytes, %v; acknowledged: %v", key, len(got), err, mustBe)
		}
		return true
	})
	if whole < rounds*writers {
		t.Errorf("only %d objects were made", whole)
	}
}

func TestB7_CallsOutliveAShortAbsence(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	c := configOf(server, server.NewBucket(t))
	c.Tries = 20
	s := openConfig(t, c)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Put(context.Background(), "a", blob.Bytes([]byte("x"))) }()
	if err := server.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("put across a restart: %v", err)
	}
}

func TestRefusalsAreNotRepeated(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	good := configOf(server, server.NewBucket(t))
	for what, change := range map[string]func(*Config){
		"wrong secret":   func(c *Config) { c.SecretKey = "guessed" },
		"unknown key":    func(c *Config) { c.AccessKey = "stranger" },
		"missing bucket": func(c *Config) { c.Bucket = "nowhere" },
	} {
		c := good
		change(&c)
		err := blob.Probe(t.Context(), openConfig(t, c))
		if !errors.Is(err, blob.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", what, err)
		}
		if err != nil && strings.Contains(err.Error(), c.SecretKey) {
			t.Errorf("%s: the error tells the secret: %v", what, err)
		}
	}
}

func TestB3_ObjectWithoutAChecksumIsCorrupt(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	p := place{server, server.NewBucket(t)}
	s := p.Open(t)
	if err := s.Put(t.Context(), "a", blob.Bytes([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	copyWithoutMetadata(t, server, p.bucket, "some/where/a", "some/where/b")
	if _, err := s.Get(t.Context(), "b"); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("get: %v, want ErrCorrupt", err)
	}
}
