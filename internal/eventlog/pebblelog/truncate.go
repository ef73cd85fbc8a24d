// Truncate: forgetting whole chunks from the front.
package pebblelog

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
)

// Truncate forgets records of p below before; what is beyond the durable end
// cannot be forgotten in advance. The start moves to exactly before; the chunk
// that before points into is kept whole on disk.
func (l *Log) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if int(p) >= l.cfg.Partitions {
		return fmt.Errorf("truncate: no partition %d, the log has %d", p, l.cfg.Partitions)
	}
	// Isolated: closing an iterator takes a lock that a database which gave up never lets go.
	var t *truncation
	err := l.isolate(func() error {
		plan, err := l.planTruncation(p, before)
		t = plan
		return err
	})
	if err != nil || t == nil {
		return err
	}
	r := l.newRequest()
	r.trunc, r.bytes = t, chunkKeyLen*3
	if err := l.submit(ctx, r); err != nil {
		return fmt.Errorf("truncate partition %d below %d: %w", p, before, err)
	}
	l.reclaimer.note(t)
	l.usage.refresh()
	return nil
}

// planTruncation finds the first chunk to keep. Chunks never change, so the
// plan stays right until the committer carries it out.
func (l *Log) planTruncation(p event.Partition, before event.Offset) (*truncation, error) {
	release, err := l.enter()
	if err != nil {
		return nil, err
	}
	defer release()
	before = min(before, l.End(p))
	if before <= l.Start(p) {
		return nil, nil
	}
	lower, upper := chunkBounds(p)
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("truncate partition %d: %w", p, asCorrupt(err))
	}
	defer func() { _ = it.Close() }()
	t := &truncation{partition: p, start: before, keepFrom: before}
	if it.SeekLT(chunkKey(p, before)) {
		c, err := currentChunk(it)
		if err != nil {
			return nil, fmt.Errorf("truncate partition %d: %w", p, asCorrupt(err))
		}
		if c.endOffset() > before {
			t.keepFrom = c.base
		}
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("truncate partition %d: %w", p, asCorrupt(err))
	}
	return t, nil
}
