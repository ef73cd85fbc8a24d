// The report specification on the real pipeline: as written and again when every day
// is final (S28), and in another legal order of arrival (D3).
package product_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

const specs = "../../../test/spec"

func open(t testing.TB) spec.Engine {
	p, err := product.Open(product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSpecsInAnotherOrderOfArrival(t *testing.T) {
	spec.Run(t, specs, open, spec.Options{Shuffle: 7})
}

func TestSpecsOnTheProduct(t *testing.T) {
	spec.Run(t, specs, open, spec.Options{Final: true})
}
