// Sums: the counts of each property over all days, in memory, for who asks often.
package pebblelog

import (
	"context"
	"maps"
	"strings"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// sums are the durable counts by property and reason. What they hold is in the
// database; Open reads it from there.
type sums struct {
	mu sync.RWMutex
	of map[event.PropertyID]map[event.RefuseReason]int64
}

func newSums() *sums {
	return &sums{of: make(map[event.PropertyID]map[event.RefuseReason]int64)}
}

// add adds counts that are durable.
func (s *sums) add(counts []eventlog.Count) {
	if len(counts) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range counts {
		of := s.of[c.Property]
		if of == nil {
			of = make(map[event.RefuseReason]int64)
			s.of[c.Property] = of
		}
		of[c.Reason] += c.N
	}
}

// CountsOf returns the sums of one property. The finisher adds the counts of a
// commit before its records can be read.
func (l *Log) CountsOf(ctx context.Context, id event.PropertyID) (map[event.RefuseReason]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	l.sums.mu.RLock()
	defer l.sums.mu.RUnlock()
	out := make(map[event.RefuseReason]int64, len(l.sums.of[id]))
	maps.Copy(out, l.sums.of[id])
	return out, nil
}

// recoverSums reads all counts.
func (l *Log) recoverSums() error {
	counts, err := l.readCounts(func() error { return nil })
	l.sums.add(counts)
	return err
}

// ownReason returns a reason that shares no memory with its caller's batch.
func ownReason(why event.RefuseReason) event.RefuseReason {
	return event.RefuseReason(strings.Clone(string(why)))
}
