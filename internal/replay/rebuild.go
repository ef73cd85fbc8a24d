// Rebuild: the parts of making state and store anew from the log and, where it is
// whole, the archive of final days (D7, S31). The caller runs a processor over them.
package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// StartMeta returns the commit from which a rebuild folds: the start of the log, with
// the final days of old if the archive is there. old may be nil: it is lost.
func StartMeta(old *state.Meta, log eventlog.Log, generation uint64, archive bool) (*state.Meta, error) {
	m := &state.Meta{Version: state.FormatVersion, Generation: generation, Partitions: make([]state.Partition, log.Partitions())}
	m.Manifest.FinalUntil, m.Manifest.DayVersion = map[event.PropertyID]event.Time{}, map[event.PropertyID]uint64{}
	for i := range m.Partitions {
		m.Partitions[i].Next = log.Start(event.Partition(i))
	}
	if old == nil {
		return m, nil
	}
	if len(old.Partitions) != len(m.Partitions) || old.Generation != generation {
		return nil, fmt.Errorf("the processor state is of another log: remove it to rebuild from the log alone")
	}
	m.Restatements = old.Restatements
	for id, v := range old.Manifest.DayVersion {
		m.Manifest.DayVersion[id] = v + 1
	}
	if archive {
		m.Manifest.FinalUntil = old.Manifest.FinalUntil
		m.Manifest.Segments = FinalSegments(&old.Manifest)
		m.Manifest.Kept = old.Manifest.Kept
	} else if len(old.Manifest.Kept) > 0 {
		return nil, ErrCountsLost
	}
	for i := range m.Partitions {
		if m.Partitions[i].Next == 0 {
			continue
		}
		// The Definition records may be among what the log has forgotten.
		var was fold.Snapshot
		if err := json.Unmarshal(old.Partitions[i].Fold, &was); err != nil {
			return nil, fmt.Errorf("decode state of partition %d: %w", i, err)
		}
		b, err := json.Marshal(fold.Snapshot{Definitions: was.Definitions})
		if err != nil {
			return nil, fmt.Errorf("encode state of partition %d: %w", i, err)
		}
		m.Partitions[i].Fold = b
	}
	return m, nil
}

// ErrCountsLost: days whose rows are gone are counted nowhere but in the cells that the
// archive keeps of them, and the archive is not there.
var ErrCountsLost = errors.New("the counts of days whose rows are no longer kept are in the archive of final days, which is not there: " +
	"restore the store directory from a backup")

// FinalSegments returns the segments that make up the archive: final rows, and of days
// whose rows are gone the cells with their sketches. Other cells are made again.
func FinalSegments(m *store.Manifest) []store.Segment {
	return slices.DeleteFunc(slices.Clone(m.Segments), func(s store.Segment) bool {
		switch s.Table {
		case store.FinalEvents, store.FinalSessions, store.KeptCells, store.KeptSketches:
			return false
		}
		return true
	})
}

// SeedsFromState tells whether a rebuild learns from a copy of the old state what clients
// were before the log: neither the log nor the archive can tell of all of them. With rows
// that are gone went their clients' past.
func SeedsFromState(old *state.Meta, log eventlog.Log, archive bool) bool {
	return old != nil && Truncated(log) && (!archive || len(old.Manifest.Kept) > 0)
}

// Truncated tells whether the log has forgotten records.
func Truncated(log eventlog.Log) bool {
	for p := range log.Partitions() {
		if log.Start(event.Partition(p)) > 0 {
			return true
		}
	}
	return false
}

// SettleLedgers gives rebuilt, which was folded up to where old was, the accounts of old,
// if the log has forgotten records: what became of those nobody can find again (S33).
func SettleLedgers(old, rebuilt *state.Meta, log eventlog.Log) error {
	if !Truncated(log) {
		return nil // the rebuild has counted all of them
	}
	for i := range rebuilt.Partitions {
		var was, is fold.Snapshot
		if err := json.Unmarshal(old.Partitions[i].Fold, &was); err != nil {
			return fmt.Errorf("decode state of partition %d: %w", i, err)
		}
		if err := json.Unmarshal(rebuilt.Partitions[i].Fold, &is); err != nil {
			return fmt.Errorf("decode rebuilt state of partition %d: %w", i, err)
		}
		is.Ledgers = was.Ledgers
		b, err := json.Marshal(&is)
		if err != nil {
			return fmt.Errorf("encode state of partition %d: %w", i, err)
		}
		rebuilt.Partitions[i].Fold = b
	}
	return nil
}

var _ eventlog.Log = (*BoundedLog)(nil)

// BoundedLog is a log up to `ends`. It forgets nothing and takes nothing.
type BoundedLog struct {
	eventlog.Log
	Ends []event.Offset
}

// End implements eventlog.Log.
func (l *BoundedLog) End(p event.Partition) event.Offset { return l.Ends[p] }

// Truncate implements eventlog.Log.
func (l *BoundedLog) Truncate(context.Context, event.Partition, event.Offset) error { return nil }

// Append implements eventlog.Log.
func (l *BoundedLog) Append(context.Context, *eventlog.Batch) error { return eventlog.ErrClosed }

// Wait implements eventlog.Log.
func (l *BoundedLog) Wait(ctx context.Context, ends []event.Offset) error {
	for p, end := range ends {
		if end < l.Ends[p] {
			return nil
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Read implements eventlog.Log.
func (l *BoundedLog) Read(ctx context.Context, p event.Partition, from event.Offset, maxBytes int,
	dst []eventlog.Entry) ([]eventlog.Entry, error) {
	if from >= l.Ends[p] {
		return dst, nil
	}
	n := len(dst)
	dst, err := l.Log.Read(ctx, p, from, maxBytes, dst)
	if over := int64(from) + int64(len(dst)-n) - int64(l.Ends[p]); over > 0 {
		dst = dst[:len(dst)-int(over)]
	}
	return dst, err
}

// SeededState is a copy of the old state in which each client is as it was before the
// log began until the rebuild has written it.
type SeededState struct {
	state.State
	starts []event.Offset
	began  []event.Time

	mu      sync.Mutex
	seed    maphash.Seed
	written map[uint64]bool
}

// NewSeededState returns one over a copy of the old state of a log.
func NewSeededState(ctx context.Context, copied state.State, log eventlog.Log) (*SeededState, error) {
	s := &SeededState{State: copied, seed: maphash.MakeSeed(), written: map[uint64]bool{}}
	for i := range log.Partitions() {
		p := event.Partition(i)
		began, err := eventlog.IngestTimeAt(ctx, log, p, log.Start(p))
		if err != nil {
			return nil, err
		}
		s.starts, s.began = append(s.starts, log.Start(p)), append(s.began, began)
	}
	return s, nil
}

// LogBegan returns the IngestTime of the oldest record that the log still holds.
func LogBegan(ctx context.Context, log eventlog.Log) (oldest event.Time, err error) {
	for i := range log.Partitions() {
		p := event.Partition(i)
		at, err := eventlog.IngestTimeAt(ctx, log, p, log.Start(p))
		if err != nil {
			return 0, err
		}
		if at != 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return oldest, nil
}

func (s *SeededState) hash(p event.Partition, key []byte) uint64 {
	return maphash.Bytes(s.seed, key) ^ uint64(p)*0x9e3779b97f4a7c15
}

// Client implements state.State.
func (s *SeededState) Client(p event.Partition, key []byte) ([]byte, error) {
	record, err := s.State.Client(p, key)
	if err != nil || record == nil {
		return nil, err
	}
	s.mu.Lock()
	written := s.written[s.hash(p, key)]
	s.mu.Unlock()
	if written {
		return record, nil
	}
	return fold.PastRecord(record, s.starts[p], s.began[p])
}

// Begin implements state.State.
func (s *SeededState) Begin() state.Commit { return &seededCommit{s.State.Begin(), s} }

type seededCommit struct {
	state.Commit
	state *SeededState
}

// Client implements state.Commit. A record counts as written once it is set: until the
// commit is done the fold keeps it in memory.
func (c *seededCommit) Client(p event.Partition, key, value []byte) error {
	c.state.mu.Lock()
	c.state.written[c.state.hash(p, key)] = true
	c.state.mu.Unlock()
	return c.Commit.Client(p, key, value)
}
