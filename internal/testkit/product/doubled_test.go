// A store whose rows are in a shared store as well: the real fold and the real upkeep feed both, and every question is asked
// of the shared one.
package product_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

// doubled does with the shared store what is done with the other. Its log is "spec".
type doubled struct {
	store.Store
	shared store.Shared
	keeper store.Keeper
	seq    uint64
	rolled []store.RollupSpan // cells that the next Install names
}

// openDoubled opens the product over a shared store.
func openDoubled(t testing.TB, shared store.Shared) spec.Engine {
	keeper, err := shared.Keep(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	disk := storetest.NewDisk() // the other store answers nothing here, so it may be the one in memory
	p, err := product.Open(product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 4,
		OpenStore: func(m store.Manifest) (store.Store, error) { return storetest.OpenMem(disk, m) },
		WrapStore: func(s store.Store) store.Store { return &doubled{Store: s, shared: shared, keeper: keeper} }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *doubled) Append(ctx context.Context, b *store.Batch) error {
	if err := d.Store.Append(ctx, b); err != nil {
		return err
	}
	d.seq++
	id := store.BatchID{Log: "spec", Partition: 1, Seq: d.seq}
	if err := d.shared.Insert(ctx, id, &store.SharedBatch{Batch: *b}); err != nil {
		return fmt.Errorf("insert into the shared store: %w", err)
	}
	return d.shared.Publish(ctx, store.Progress{Partition: 1, Seq: d.seq})
}

func (d *doubled) Finalize(ctx context.Context, m store.Manifest, until map[event.PropertyID]event.Time) (*store.Change, error) {
	change, err := d.Store.Finalize(ctx, m, until)
	if err == nil {
		err = d.keeper.Finalize(ctx, until)
	}
	return change, err
}

func (d *doubled) RollUp(ctx context.Context, m store.Manifest, spans []store.RollupSpan) (*store.Change, error) {
	d.rolled = spans
	return d.Store.RollUp(ctx, m, spans)
}

func (d *doubled) Install(ctx context.Context, m store.Manifest, heads ...store.Head) error {
	made := map[event.PropertyID]store.RollupRange{}
	for _, span := range d.rolled {
		for _, r := range m.Rollups[span.Property] {
			if r.From < span.To && span.To <= r.To {
				r.To = span.To
				made[span.Property] = r
			}
		}
	}
	if len(made) > 0 {
		if err := d.keeper.RollUp(ctx, d.rolled, made); err != nil {
			return fmt.Errorf("roll up the shared store: %w", err)
		}
	}
	d.rolled = nil
	return d.Store.Install(ctx, m, heads...)
}

func (d *doubled) Snapshot(ctx context.Context) (store.Snapshot, error) {
	return d.shared.Snapshot(ctx)
}

func openOverMemShared(t testing.TB) spec.Engine {
	return openDoubled(t, storetest.NewMemShared(storetest.NewSharedRows(), "spec", nil))
}

func TestSpecsAnsweredByASharedStore(t *testing.T) {
	spec.Run(t, specs, openOverMemShared, spec.Options{Final: true})
}
