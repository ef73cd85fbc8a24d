// Sums: what all counts of the log add up to, in memory.
package kafkalog

import (
	"context"
	"maps"
	"strings"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// countKey is what a sum is kept for, in each slot.
type countKey struct {
	property event.PropertyID
	day      int32
	reason   event.RefuseReason
}

// sum is what the counts of one key add up to in one slot.
type sum struct {
	n       int64
	through event.Offset // holds the counts of all records below it
	dirty   bool         // not saved since it changed
}

// sums are the sums of all slots. Those of one slot change only while its
// slot.mu is held, so that they fit its end.
type sums struct {
	mu     sync.RWMutex
	bySlot map[int]map[countKey]*sum
	of     map[event.PropertyID]map[event.RefuseReason]int64
}

func newSums() *sums {
	return &sums{
		bySlot: make(map[int]map[countKey]*sum),
		of:     make(map[event.PropertyID]map[event.RefuseReason]int64),
	}
}

// add adds the counts of the record at offset, unless a saved sum holds them
// already: sums of one slot are not saved all at once.
func (s *sums) add(at *slot, offset event.Offset, counts []eventlog.Count) {
	if len(counts) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range counts {
		key := countKey{c.Property, c.Day, c.Reason}
		k := s.key(at.index, key)
		if offset < k.through {
			continue
		}
		// A record may hold a key twice: through moves behind the last one.
		s.change(key, k, c.N)
	}
	for _, c := range counts {
		k := s.bySlot[at.index][countKey{c.Property, c.Day, c.Reason}]
		k.through = max(k.through, offset+1)
	}
}

// begin takes what was received before the log began, of keys of which nothing was saved: saved sums have it in them.
func (s *sums) begin(slot int, received []eventlog.Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := maps.Clone(s.bySlot[slot])
	for _, c := range received {
		key := countKey{c.Property, c.Day, c.Reason}
		if had[key] == nil {
			s.change(key, s.key(slot, key), c.N)
		}
	}
}

// set takes a saved sum; the last one saved for a key counts.
func (s *sums) set(slot int, key countKey, n int64, through event.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(slot, key)
	s.change(key, k, n-k.n)
	k.through, k.dirty = through, false
}

func (s *sums) key(slot int, key countKey) *sum {
	keys := s.bySlot[slot]
	if keys == nil {
		keys = make(map[countKey]*sum)
		s.bySlot[slot] = keys
	}
	k := keys[key]
	if k == nil {
		key.reason = event.RefuseReason(strings.Clone(string(key.reason)))
		k = &sum{}
		keys[key] = k
	}
	return k
}

func (s *sums) change(key countKey, k *sum, by int64) {
	k.n += by
	k.dirty = true
	of := s.of[key.property]
	if of == nil {
		of = make(map[event.RefuseReason]int64)
		s.of[key.property] = of
	}
	of[key.reason] += by
}

// dirty returns the sums of a slot that changed since they were saved, and
// takes them for saved.
func (s *sums) takeDirty(slot int) map[countKey]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[countKey]int64)
	for key, k := range s.bySlot[slot] {
		if k.dirty {
			out[key] = k.n
			k.dirty = false
		}
	}
	return out
}

// giveBack takes back what takeDirty said, because saving failed.
func (s *sums) giveBack(slot int, keys map[countKey]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range keys {
		s.bySlot[slot][key].dirty = true
	}
}

// Counts returns the sums of all counts, over all partitions.
func (l *Log) Counts(ctx context.Context) ([]eventlog.Count, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release, err := l.enterReader()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := l.Err(); err != nil {
		return nil, err
	}
	l.sums.mu.RLock()
	defer l.sums.mu.RUnlock()
	all := make(map[countKey]int64)
	for _, keys := range l.sums.bySlot {
		for key, k := range keys {
			all[key] += k.n
		}
	}
	out := make([]eventlog.Count, 0, len(all))
	for key, n := range all {
		out = append(out, eventlog.Count{Property: key.property, Day: key.day, Reason: key.reason, N: n})
	}
	return out, nil
}

// CountsOf returns the sums of one property, from memory.
func (l *Log) CountsOf(ctx context.Context, id event.PropertyID) (map[event.RefuseReason]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release, err := l.enterReader()
	if err != nil {
		return nil, err
	}
	defer release()
	l.sums.mu.RLock()
	defer l.sums.mu.RUnlock()
	out := make(map[event.RefuseReason]int64, len(l.sums.of[id]))
	maps.Copy(out, l.sums.of[id])
	return out, nil
}
