// A real server that is killed in the middle of a save and of a fetch.
package remote

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/blob/s3blob"
	"tidemark/internal/testkit/objectserver"
)

// killing kills the server at call n and lets the call go on into the void.
type killing struct {
	mu     sync.Mutex
	server *objectserver.Server
	n      int
	killed bool
	err    error
}

func (k *killing) decide(blobtest.Call) blobtest.Fault {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.n--; k.n == 0 {
		k.killed, k.err = true, k.server.Kill()
	}
	return blobtest.None
}

func TestMV1_ServerKilledInTheMiddleOfSaveAndFetch(t *testing.T) {
	server, err := objectserver.Start(t.Context(), objectserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := s3blob.DefaultConfig()
	c.Endpoint, c.PathStyle, c.Tries, c.StallTimeout = server.URL(), true, 2, 10*time.Second
	c.AccessKey, c.SecretKey = objectserver.AccessKey, objectserver.SecretKey
	before := files{}
	for i := range 30 {
		before[fmt.Sprintf("%06d.sst", i)] = noise(byte(i), 100_000+i)
	}
	after := files{}
	for i := range 60 {
		after[fmt.Sprintf("%06d.sst", i)] = noise(byte(i), 100_000+i)
	}
	for _, n := range []int{1, 2, 11, 30, 31} {
		c.Bucket = server.NewBucket(t)
		store, err := s3blob.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		k := &killing{server: server}
		s := newSaves(t, &blobtest.Faults{Store: store, Decide: k.decide})
		dir, o := t.TempDir(), begin(t, s, 1)
		save(t, o, "7/1-1", before.write(t, dir))
		after.write(t, dir)

		dies := func(what string, do func() error) {
			t.Helper()
			k.n, k.killed = n, false
			err := do()
			if k.n = 0; !k.killed || k.err != nil {
				t.Fatalf("%s at call %d: the server was not killed: %v", what, n, k.err)
			}
			if !errors.Is(err, blob.ErrAway) {
				t.Fatalf("%s at call %d: %v, want ErrAway", what, n, err)
			}
			if err := server.Begin(); err != nil {
				t.Fatal(err)
			}
		}
		dies("save", func() error { _, err := o.Save(t.Context(), "7/1-2", dir); return err })
		got, _ := fetch(t, owner(t, s, 2), "7/1-1", t.TempDir())
		wantFiles(t, got, before)
		save(t, o, "7/1-2", dir)

		root := t.TempDir()
		dies("fetch", func() error { _, _, err := owner(t, s, 3).Fetch(t.Context(), "7/1-2", root); return err })
		got, _ = fetch(t, owner(t, s, 4), "7/1-2", root)
		wantFiles(t, got, after)
		if _, err := o.Prune(t.Context(), "7/1-2"); err != nil {
			t.Fatal(err)
		}
		wantOnlyNeeded(t, s, store, "7/1-2")
	}
}
