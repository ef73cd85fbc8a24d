// The adapter keeps the contract of package store.
package duckstore

import (
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(_ testing.TB, dir string, m store.Manifest) (store.Store, error) {
		return Open(Config{Dir: dir}, m, Deps{})
	})
}
