// The adapter keeps the contract of package store.
package duckstore

import (
	"sync/atomic"
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(_ testing.TB, dir string, m store.Manifest) (store.Store, error) {
		return Open(Config{Dir: dir}, m, Deps{})
	})
}

// With drafts of young days made before the first question, and used whatever has come since.
func TestStoreWithDraftsKeepsTheContract(t *testing.T) {
	var helped, corrected atomic.Int64
	defer func() {
		t.Logf("drafts helped with %d answers, and were corrected in %d", helped.Load(), corrected.Load())
		if corrected.Load() == 0 {
			t.Error("drafts were hardly used")
		}
	}()
	storetest.Run(t, func(_ testing.TB, dir string, m store.Manifest) (store.Store, error) {
		s, err := Open(Config{Dir: dir}, m, Deps{})
		if err != nil {
			return nil, err
		}
		s.drafts.eager = true
		s.drafts.answered = func(touched int) {
			helped.Add(1)
			if touched > 0 {
				corrected.Add(1)
			}
		}
		return s, nil
	})
}
