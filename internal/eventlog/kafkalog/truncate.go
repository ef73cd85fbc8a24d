// Truncate: deleting records from the front of a partition.
package kafkalog

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/internal/event"
)

// Truncate deletes records of p below before, after their counts are saved. Who
// truncates partition 0 also truncates the counts that belong to no record.
func (l *Log) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if int(p) >= l.cfg.Partitions {
		return fmt.Errorf("truncate: no partition %d, the log has %d", p, l.cfg.Partitions)
	}
	release, err := l.enterReader()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, l.cfg.ReadTimeout)
	defer cancel()
	if err := l.truncate(ctx, l.slots[p], before); err != nil {
		return fmt.Errorf("truncate partition %d below %d: %w", p, before, err)
	}
	if counts := l.slots[l.cfg.Partitions]; p == 0 {
		if err := l.truncate(ctx, counts, event.Offset(counts.end.Load())); err != nil {
			return fmt.Errorf("truncate %s: %w", counts.topic, err)
		}
	}
	return nil
}

func (l *Log) truncate(ctx context.Context, s *slot, before event.Offset) error {
	before = min(before, event.Offset(s.end.Load()))
	if before <= event.Offset(s.start.Load()) {
		return nil
	}
	s.mu.Lock()
	saved := s.saved
	s.mu.Unlock()
	if saved < before {
		if err := l.save(ctx, s); err != nil {
			return err
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(s.topic, s.partition, s.kafka(before), -1)
	answers, err := l.admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	s.raiseStart(before)
	return nil
}
