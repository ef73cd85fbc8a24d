// Append: to the far log, or to the near log, or some of each.
package spool

import (
	"context"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// Append makes b durable in one of the two logs (SP1). See eventlog.Log; the unit
// is the partition.
func (s *Spool) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range b.Records {
		if p := b.Records[i].Partition; int(p) >= s.cfg.Partitions {
			return fmt.Errorf("append record %d: no partition %d, the log has %d: %w",
				i, p, s.cfg.Partitions, eventlog.ErrInvalid)
		}
	}
	for i := range b.Counts {
		if r := b.Counts[i].Record; r < 0 || r > len(b.Records) {
			return fmt.Errorf("append count %d: of record %d of %d: %w", i, r, len(b.Records), eventlog.ErrInvalid)
		}
	}
	release, err := s.enter()
	if err != nil {
		return err
	}
	defer release()
	if len(b.Records) == 0 && len(b.Counts) == 0 {
		return nil
	}
	given := len(b.Counts)
	b, of := countEach(b)
	now := event.TimeOf(s.deps.Clock())
	oldest := oldestOf(b, now)
	id := s.underWay.begin(oldest)
	defer s.underWay.end(id)
	// Fast path: one partition, whose lane goes to the far log.
	p, single := s.onlyPartition(b)
	if single && s.goesFar(p) {
		if err = s.appendFar(ctx, b); err == nil {
			return nil
		}
	}
	// Slow path: some of it goes to the near log.
	a := &appending{s: s, b: b, oldest: oldest, now: now,
		durable: make([]bool, len(b.Records)), counted: make([]bool, len(b.Counts))}
	if err != nil {
		err = a.rescue(ctx, err)
	} else {
		err = a.run(ctx)
	}
	return a.result(err, of, given)
}

// onlyPartition returns the partition of a batch that has only one.
func (s *Spool) onlyPartition(b *eventlog.Batch) (event.Partition, bool) {
	if len(b.Records) == 0 {
		return s.laneOfCount(b, 0), len(b.Counts) == 1
	}
	p := b.Records[0].Partition
	for i := range b.Records {
		if b.Records[i].Partition != p {
			return 0, false
		}
	}
	return p, true // Counts go with its records, whatever they say.
}

// laneOfCount returns the partition of count i: that of the records it counts, or
// of any record, or what it says itself if there is none.
func (s *Spool) laneOfCount(b *eventlog.Batch, i int) event.Partition {
	if r := b.Counts[i].Record; r > 0 {
		return b.Records[r-1].Partition
	}
	p := b.Counts[i].Partition
	for r := range b.Records {
		if b.Records[r].Partition == p {
			return p
		}
	}
	switch {
	case len(b.Records) > 0:
		return b.Records[0].Partition
	case int(p) < s.cfg.Partitions:
		return p
	}
	return 0
}

func (s *Spool) goesFar(p event.Partition) bool {
	ln := s.lanes[p]
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return ln.mode == modeFar
}

// appendFar appends to the far log, and waits for it for a bounded time (SP4).
func (s *Spool) appendFar(ctx context.Context, b *eventlog.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.MaxFarWait)
	defer cancel()
	return (*s.far.Load()).Append(ctx, b)
}
