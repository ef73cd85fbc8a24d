// Probe finds stores that do not keep their promises.
package blob_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/blob/dirblob"
)

// liar is a store that breaks one promise.
type liar struct {
	blob.Store
	promise string
}

func (l liar) Create(ctx context.Context, key string, c blob.Content) error {
	if l.promise == "condition" {
		return l.Put(ctx, key, c)
	}
	return l.Store.Create(ctx, key, c)
}

func (l liar) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if l.promise == "bytes" {
		return io.NopCloser(strings.NewReader("something else")), nil
	}
	return l.Store.Get(ctx, key)
}

func (l liar) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	if l.promise == "list" {
		return func(func(blob.Info, error) bool) {}
	}
	return l.Store.List(ctx, prefix)
}

func TestProbeFindsBrokenPromises(t *testing.T) {
	dir, err := dirblob.Open(dirblob.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for promise, want := range map[string]error{"condition": blob.ErrRefused, "bytes": blob.ErrCorrupt, "list": blob.ErrRefused, "": nil} {
		if err := blob.Probe(t.Context(), liar{dir, promise}); !errors.Is(err, want) {
			t.Errorf("a store that breaks %q: %v, want %v", promise, err, want)
		}
	}
	// A store that fails at any call is not taken for one that works, and its error
	// is told.
	for n, more := 1, true; more; n++ {
		faults := &blobtest.Faults{Store: dir, Decide: func(c blobtest.Call) blobtest.Fault {
			if c.N == n {
				return blobtest.Before
			}
			return blobtest.None
		}}
		err := blob.Probe(t.Context(), faults)
		if more = faults.Calls() >= n; more != errors.Is(err, blobtest.ErrInjected) {
			t.Errorf("fault at call %d: %v", n, err)
		}
	}
}
