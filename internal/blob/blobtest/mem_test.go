// The store in memory keeps the promises, too.
package blobtest_test

import (
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
)

type memPlace struct{ mem *blobtest.Mem }

func (p memPlace) Open(*testing.T) blob.Store { return p.mem }

func (memPlace) Damage(*testing.T, string) {} // it does not look for damage

func TestMemKeepsThePromises(t *testing.T) {
	blobtest.RunUnverified(t, func(*testing.T) blobtest.Place { return memPlace{&blobtest.Mem{}} })
}
