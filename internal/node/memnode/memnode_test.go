// The suite on memory.
package memnode

import (
	"testing"

	"tidemark/internal/node"
	"tidemark/internal/node/nodetest"
)

type storage struct{ *Registry }

func (s storage) Open(*testing.T) node.Registry { return s.Registry }

func TestConformance(t *testing.T) {
	nodetest.Run(t, func(*testing.T) nodetest.Storage { return storage{New()} })
}
