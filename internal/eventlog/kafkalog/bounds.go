// Where topics begin and end, asked until the brokers know: after an election a
// leader refuses to say for a moment, and a server that starts then must not give up.
package kafkalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"tidemark/internal/event"
)

// listOffsets is ListStartOffsets or ListEndOffsets of a kadm.Client.
type listOffsets func(context.Context, ...string) (kadm.ListedOffsets, error)

// listed asks until there is an answer for all partitions of topics, an error that asking
// again does not mend, or the end of ctx.
func listed(ctx context.Context, list listOffsets, topics ...string) (kadm.ListedOffsets, error) {
	for {
		offsets, err := list(ctx, topics...)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil || !kerr.IsRetriable(err) {
			return offsets, err
		}
		if !pause(ctx, fetchPause) {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// bounds asks for the first offset of each slot and the one after the last.
func (l *Log) bounds(ctx context.Context) (first, last []event.Offset, err error) {
	topics := []string{l.cfg.Topic, l.cfg.Topic + countsSuffix}
	starts, err := listed(ctx, l.admin.ListStartOffsets, topics...)
	if err != nil {
		return nil, nil, fmt.Errorf("ask for first offsets: %w", err)
	}
	ends, err := listed(ctx, l.admin.ListEndOffsets, topics...)
	if err != nil {
		return nil, nil, fmt.Errorf("ask for last offsets: %w", err)
	}
	for _, s := range l.slots {
		start, ok := starts.Lookup(s.topic, s.partition)
		end, ok2 := ends.Lookup(s.topic, s.partition)
		if !ok || !ok2 {
			return nil, nil, fmt.Errorf("ask for offsets: no answer for %s partition %d", s.topic, s.partition)
		}
		first = append(first, s.offset(start.Offset))
		last = append(last, s.offset(end.Offset))
	}
	return first, last, nil
}
