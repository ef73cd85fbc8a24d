// Rows and states of the commit point, as the cluster's own.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// outcomes are what became of the events before the commit point, by partition. Events whose rows were erased count as the
// processor counts them.
func (m *Mover) outcomes(folds []fold.Snapshot) []map[event.PropertyID]ledger.Outcomes {
	out := make([]map[event.PropertyID]ledger.Outcomes, len(folds))
	for p := range folds {
		out[p] = maps.Clone(folds[p].Ledgers)
		if out[p] == nil {
			out[p] = map[event.PropertyID]ledger.Outcomes{}
		}
	}
	for id, n := range m.commit.Meta().Erased {
		sum := out[0][id] // the sums over all partitions are what is asked for
		sum.Stored -= n
		sum.Erased += n
		out[0][id] = sum
	}
	return out
}

// importRows inserts the rows of the commit point, as batches of a log of their own.
func (m *Mover) importRows(ctx context.Context, folds []fold.Snapshot) error {
	progress, err := m.target.Imports.Progress(ctx)
	if err != nil {
		return err
	}
	done := map[event.Partition]bool{}
	for _, p := range progress {
		done[p.Partition] = true
	}
	outcomes := m.outcomes(folds)
	var imported atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.cfg.Partitions)
	for p := range folds {
		if done[event.Partition(p)] {
			imported.Add(1)
			continue
		}
		group.Go(func() error {
			if err := m.importPartition(ctx, event.Partition(p), outcomes[p], folds[p].Clock); err != nil {
				return fmt.Errorf("import rows of partition %d: %w", p, err)
			}
			m.deps.Progress("rows", float64(imported.Add(1))/float64(len(folds)))
			return nil
		})
	}
	return group.Wait()
}

func (m *Mover) importPartition(ctx context.Context, p event.Partition, outcomes map[event.PropertyID]ledger.Outcomes, clock event.Time) error {
	seq := uint64(1)
	insert := func(b *store.SharedBatch) error {
		if err := m.step("insert rows"); err != nil {
			return err
		}
		return m.target.Imports.Insert(ctx, store.BatchID{Log: m.target.ImportsName, Partition: p, Seq: seq}, b)
	}
	// The first batch is the account alone: it is there even if there are no rows.
	if err := insert(&store.SharedBatch{Outcomes: outcomes}); err != nil {
		return err
	}
	err := m.commit.Rows(ctx, p, m.cfg.RowsAtOnce, func(b *store.Batch) error {
		seq++
		return insert(&store.SharedBatch{Batch: *b})
	})
	if err != nil {
		return err
	}
	if err := m.step("publish rows"); err != nil {
		return err
	}
	return m.target.Imports.Publish(ctx, store.Progress{Partition: p, Seq: seq, Next: m.commit.Meta().Partitions[p].Next, Clock: clock})
}

// adoptAll makes the states of the commit point those of the partitions.
func (m *Mover) adoptAll(ctx context.Context, folds []fold.Snapshot) error {
	meta := m.commit.Meta()
	ctx, crash := context.WithCancelCause(ctx)
	defer crash(nil)
	deps := owned.Deps{Intents: m.target.Intents, Store: m.target.Store, States: m.target.States, Logger: m.deps.Logger,
		Step: func(_ event.Partition, name string) {
			if err := m.step("adopt: " + name); err != nil {
				crash(err)
			}
		}}
	for p := range folds {
		m.deps.Progress("states", float64(p)/float64(len(folds)))
		id := event.Partition(p)
		a := owned.Adopted{Partition: id, Next: meta.Partitions[p].Next, Fold: meta.Partitions[p].Fold,
			Clock: folds[p].Clock, Claim: folds[p].Lateness.Claim, Marks: marksOf(meta, p),
			Clients: func(ctx context.Context, yield func(key, value []byte) error) error {
				return m.commit.Clients(ctx, id, yield)
			}}
		err := owned.Adopt(ctx, m.target.Owned, deps, a)
		// A processor that has just started took the partition: it finds the state when it is fenced in turn.
		for try := 1; errors.Is(err, intent.ErrFenced) && try < 10; try++ {
			if err = m.pause(ctx); err == nil {
				err = owned.Adopt(ctx, m.target.Owned, deps, a)
			}
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
	}
	m.deps.Progress("states", 1)
	return nil
}

// marksOf are the marks as far as the log of the cluster reaches: where the commit point ends.
func marksOf(meta *state.Meta, p int) []state.Mark {
	if len(meta.Marks) == 0 {
		return nil
	}
	last := meta.Marks[len(meta.Marks)-1]
	return []state.Mark{{IngestTime: last.IngestTime, Next: []event.Offset{meta.Partitions[p].Next}}}
}
