// Truncate: forgetting from the front.
package pebblelog

import (
	"context"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// Truncate forgets records of p below before; what is beyond the durable end
// cannot be forgotten in advance. The start moves to exactly before; space comes back once no
// partition needs a chapter any more.
func (l *Log) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if int(p) >= l.cfg.Partitions {
		return fmt.Errorf("truncate: no partition %d, the log has %d", p, l.cfg.Partitions)
	}
	if l.closed.Load() {
		return eventlog.ErrClosed
	}
	before = min(before, l.End(p))
	if before <= l.Start(p) {
		return nil
	}
	r := l.newRequest()
	r.trunc, r.bytes = &truncation{partition: p, start: before}, chunkKeyLen*3
	if err := l.submit(ctx, r); err != nil {
		return fmt.Errorf("truncate partition %d below %d: %w", p, before, err)
	}
	l.reclaimer.wake()
	l.usage.refresh()
	return nil
}
