// MemShared: a shared store of Go structs that keeps the contract.
package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

var _ store.Shared = (*MemShared)(nil)

// SharedRows are the servers that MemShared asks: rows that outlive it.
type SharedRows struct {
	mu       sync.Mutex
	batches  map[store.BatchID]*store.SharedBatch
	progress map[string]map[event.Partition]store.Progress // by log
	kept     kept
	prepared map[uint64]part // by run
}

// NewSharedRows returns servers without rows.
func NewSharedRows() *SharedRows {
	return &SharedRows{batches: map[store.BatchID]*store.SharedBatch{}, progress: map[string]map[event.Partition]store.Progress{},
		prepared: map[uint64]part{},
		kept:     kept{manifest: (&store.Manifest{}).Clone(), erased: map[event.PropertyID]int64{}}}
}

// MemShared is a shared store in memory. Several may have the same rows, as several
// processes would.
type MemShared struct {
	rows   *SharedRows
	log    string
	faults *Faults

	mu     sync.Mutex
	closed bool
}

// NewMemShared opens the rows for a log; with faults, calls fail as these say.
func NewMemShared(rows *SharedRows, log string, faults *Faults) *MemShared {
	return &MemShared{rows: rows, log: log, faults: faults}
}

// call runs f unless the store is closed or a fault is drawn.
func (m *MemShared) call(ctx context.Context, f func(*SharedRows) error) error {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return errors.New("store is closed")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fault := m.faults.Draw()
	if fault == FailBefore || fault == Cut {
		return ErrFault
	}
	m.rows.mu.Lock()
	defer m.rows.mu.Unlock()
	if err := f(m.rows); err != nil {
		return err
	}
	if fault == FailAfter {
		return ErrFault
	}
	return nil
}

// Insert implements store.Shared.
func (m *MemShared) Insert(ctx context.Context, id store.BatchID, b *store.SharedBatch) error {
	if id.Log != m.log || id.Seq == 0 {
		return fmt.Errorf("batch %+v is not one of log %q", id, m.log)
	}
	return m.call(ctx, func(rows *SharedRows) error {
		if rows.batches[id] == nil {
			rows.batches[id] = &store.SharedBatch{Outcomes: maps.Clone(b.Outcomes), Erasures: slices.Clone(b.Erasures), Batch: store.Batch{
				Events: slices.Clone(b.Events), Sessions: slices.Clone(b.Sessions), Aliases: slices.Clone(b.Aliases)}}
		}
		return nil
	})
}

// Publish implements store.Shared.
func (m *MemShared) Publish(ctx context.Context, p store.Progress) error {
	if p.Seq == 0 {
		return fmt.Errorf("progress of partition %d has no number", p.Partition)
	}
	return m.call(ctx, func(rows *SharedRows) error {
		if rows.progress[m.log] == nil {
			rows.progress[m.log] = map[event.Partition]store.Progress{}
		}
		if p.Seq > rows.progress[m.log][p.Partition].Seq {
			rows.progress[m.log][p.Partition] = p
		}
		return nil
	})
}

// Progress implements store.Shared.
func (m *MemShared) Progress(ctx context.Context) ([]store.Progress, error) {
	var out []store.Progress
	err := m.call(ctx, func(rows *SharedRows) error {
		for _, p := range slices.Sorted(maps.Keys(rows.progress[m.log])) {
			out = append(out, rows.progress[m.log][p])
		}
		return nil
	})
	return out, err
}

// visible returns the batches that are published, in order.
func (rows *SharedRows) visible() []*store.SharedBatch {
	var out []*store.SharedBatch
	ids := slices.SortedFunc(maps.Keys(rows.batches), func(a, b store.BatchID) int {
		return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Seq, b.Seq))
	})
	for _, id := range ids {
		if id.Seq <= rows.progress[id.Log][id.Partition].Seq {
			out = append(out, rows.batches[id])
		}
	}
	return out
}

// Outcomes implements store.Shared.
func (m *MemShared) Outcomes(ctx context.Context, id event.PropertyID) (ledger.Outcomes, error) {
	var sum ledger.Outcomes
	err := m.call(ctx, func(rows *SharedRows) error {
		for _, b := range rows.visible() {
			o := b.Outcomes[id]
			sum.Add(&o)
		}
		sum.Stored -= rows.kept.erased[id]
		sum.Erased += rows.kept.erased[id]
		return nil
	})
	return sum, err
}

// Snapshot implements store.Reader.
func (m *MemShared) Snapshot(ctx context.Context) (store.Snapshot, error) {
	var sn *sharedSnapshot
	err := m.call(ctx, func(rows *SharedRows) error {
		sn = &sharedSnapshot{rows: rows, young: rows.visible(), manifest: rows.kept.manifest.Clone(), dropped: rows.kept.dropped,
			instead: rows.kept.instead}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sn, nil
}

// Close implements store.Shared.
func (m *MemShared) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
