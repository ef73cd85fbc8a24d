// Prune: give back what no save needs any more.
package remote

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Pruned tells what Prune did.
type Pruned struct {
	Saves, Pieces int
	Bytes         int64
}

// Prune deletes the saves of the owner's partition that are older than done and
// not in keep, and the pieces that no other save needs. done must be the state
// that the registry has for the last done intent, read at any time after this
// owner acquired the partition (MV5). keep are older saves that somebody wants to
// go back to. All must be there: if one is not, nothing is deleted.
//
// It may run beside Save, and may be repeated after an error.
func (o *Owner) Prune(ctx context.Context, done string, keep ...string) (Pruned, error) {
	pruned, err := o.saves.prune(ctx, o.partition, done, keep)
	o.saves.telemetry.pruned.Add(float64(pruned.Saves + pruned.Pieces))
	if err != nil {
		return pruned, fmt.Errorf("prune states before %s: %w", done, err)
	}
	return pruned, nil
}

func (s *Saves) prune(ctx context.Context, partition int, doneName string, keep []string) (pruned Pruned, err error) {
	done, err := parseName(doneName)
	if err != nil {
		return pruned, err
	}
	kept, needed := map[name]bool{}, map[string]bool{}
	for _, text := range append([]string{doneName}, keep...) {
		n, err := parseName(text)
		if err != nil {
			return pruned, err
		}
		if n.partition != partition || n.compare(done) > 0 {
			return pruned, fmt.Errorf("%s is not of the partition or later: %w", text, ErrOrder)
		}
		if err := s.need(ctx, n, needed); err != nil {
			return pruned, err
		}
		kept[n] = true
	}
	// Inventories go first: after a crash there are pieces that nobody needs, and
	// never an inventory without its pieces.
	var saves, pieces []string
	for info, err := range s.store.List(ctx, savePrefix(partition)) {
		if err != nil {
			return pruned, err
		}
		n, ours := ownerOfKey(partition, savePrefix(partition), info.Key)
		if ours && n.compare(done) <= 0 && !kept[n] {
			saves = append(saves, info.Key)
		}
	}
	for info, err := range s.store.List(ctx, piecePrefix(partition)) {
		if err != nil {
			return pruned, err
		}
		n, ours := ownerOfKey(partition, piecePrefix(partition), info.Key)
		if ours && n.compare(done) <= 0 && !needed[info.Key] {
			pieces = append(pieces, info.Key)
			pruned.Bytes += info.Size
		}
	}
	if err := s.deleteAll(ctx, saves); err != nil {
		return Pruned{}, err
	}
	pruned.Saves = len(saves)
	if err := s.deleteAll(ctx, pieces); err != nil {
		return Pruned{Saves: len(saves)}, err
	}
	pruned.Pieces = len(pieces)
	return pruned, nil
}

// need adds the keys of all pieces of the save.
func (s *Saves) need(ctx context.Context, n name, needed map[string]bool) error {
	inv, err := readInventory(ctx, s.store, n)
	if err != nil {
		return err
	}
	for _, f := range inv.Files {
		for _, p := range f.Pieces {
			key, _, err := p.key(n.partition)
			if err != nil {
				return err
			}
			needed[key] = true
		}
	}
	return nil
}

func (s *Saves) deleteAll(ctx context.Context, keys []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Parallel)
	for _, key := range keys {
		group.Go(func() error {
			if err := s.step("delete"); err != nil {
				return err
			}
			return s.store.Delete(ctx, key)
		})
	}
	return group.Wait()
}
