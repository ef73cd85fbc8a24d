// The suite on memory.
package memintent

import (
	"testing"

	"tidemark/internal/intent"
	"tidemark/internal/intent/intenttest"
)

type storage struct{ *Storage }

func (s storage) Open(*testing.T) intent.Registry { return s.Storage.Open() }

func TestConformance(t *testing.T) {
	intenttest.Run(t, func(*testing.T) intenttest.Storage { return storage{NewStorage()} })
}
