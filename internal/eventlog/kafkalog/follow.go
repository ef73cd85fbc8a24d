// The follower: one consumer of all partitions that fetches what is new, by
// long polling, moves the ends and wakes who waits.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const (
	// followBytes bounds what the follower has fetched from one broker and not
	// yet taken; followPartitionBytes is its share for one partition.
	followBytes          = 8 << 20
	followPartitionBytes = 1 << 20
	// followWait is how long a broker holds a fetch for which there is nothing.
	followWait = 5 * time.Second
)

// follow starts the follower where each slot ends, and returns when it has
// reached what was there when the log was opened.
func (l *Log) follow(ctx context.Context, shared []kgo.Opt, last []event.Offset) error {
	from := make(map[string]map[int32]kgo.Offset)
	for _, s := range l.slots {
		if from[s.topic] == nil {
			from[s.topic] = make(map[int32]kgo.Offset)
		}
		from[s.topic][s.partition] = kgo.NewOffset().At(s.kafka(event.Offset(s.end.Load())))
	}
	opts := []kgo.Opt{
		kgo.ConsumePartitions(from),
		// Who is behind the first offset resumes there; take finds what that leaves
		// out. An offset beyond the last one is reported as lost data.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(followBytes),
		kgo.FetchMaxPartitionBytes(followPartitionBytes),
		kgo.FetchMaxWait(followWait),
	}
	reader, err := kgo.NewClient(append(opts, shared...)...)
	if err != nil {
		return fmt.Errorf("make consumer: %w", err)
	}
	l.reader = reader
	running, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.running.Go(func() { l.followLoop(running) })
	l.running.Go(func() { l.saveLoop(running) })
	return l.await(ctx, func() bool {
		for i, s := range l.slots {
			if event.Offset(s.end.Load()) < last[i] {
				return false
			}
		}
		return true
	})
}

func (l *Log) followLoop(ctx context.Context) {
	for {
		fetches := l.reader.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		var failure error
		fetches.EachTopic(func(t kgo.FetchTopic) {
			t.EachPartition(func(p kgo.FetchPartition) {
				if err := l.followed(t.Topic, p); err != nil && failure == nil {
					failure = err
				}
			})
		})
		if failure != nil {
			l.fail(failure)
			return
		}
	}
}

// followed takes what was fetched of one partition. It returns an error if the
// partition cannot be followed any further.
func (l *Log) followed(topic string, p kgo.FetchPartition) error {
	s := l.slotOf(topic, p.Partition)
	if s == nil {
		return nil
	}
	if p.LogStartOffset > 0 {
		s.raiseStart(s.offset(p.LogStartOffset))
	}
	if err := l.takeFetched(s, p.Records); err != nil {
		return err
	}
	var lost *kgo.ErrDataLoss
	switch {
	case p.Err == nil:
		return nil
	case errors.As(p.Err, &lost):
		return fmt.Errorf("follow %s partition %d: %w: brokers lost records: %w", topic, p.Partition, eventlog.ErrCorrupt, p.Err)
	case errors.Is(p.Err, kerr.OffsetOutOfRange):
		return fmt.Errorf("follow %s partition %d at %d: %w: %w", topic, p.Partition, s.end.Load(), eventlog.ErrTruncated, p.Err)
	case errors.Is(p.Err, kerr.UnknownTopicOrPartition), errors.Is(p.Err, kerr.UnknownTopicID):
		return fmt.Errorf("follow %s partition %d: the topic is gone: %w", topic, p.Partition, p.Err)
	}
	// The client tries again by itself and says so in its own log.
	l.logger.Warn("cannot follow a partition, trying again", "topic", topic, "partition", p.Partition, "error", p.Err)
	return nil
}

// Wait returns once a partition has a record at or after ends[p].
func (l *Log) Wait(ctx context.Context, ends []event.Offset) error {
	if len(ends) != l.cfg.Partitions {
		return fmt.Errorf("wait: %d ends for %d partitions", len(ends), l.cfg.Partitions)
	}
	if l.cfg.AppendOnly {
		return errAppendOnly
	}
	return l.await(ctx, func() bool {
		for p, end := range ends {
			if l.End(event.Partition(p)) > end {
				return true
			}
		}
		return false
	})
}

// await returns when reached says so; it is asked again whenever ends moved.
func (l *Log) await(ctx context.Context, reached func() bool) error {
	for {
		// The channel is taken before the question: what comes in between closes it.
		l.waitMu.Lock()
		if l.advance == nil {
			l.advance = make(chan struct{})
		}
		advance := l.advance
		l.waitMu.Unlock()
		switch err := l.Err(); {
		case l.closed.Load():
			return eventlog.ErrClosed
		case err != nil:
			return err
		case reached():
			return nil
		}
		select {
		case <-advance:
		case <-l.closing:
			return eventlog.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Log) wakeWaiters() {
	l.waitMu.Lock()
	defer l.waitMu.Unlock()
	if l.advance != nil {
		close(l.advance)
		l.advance = nil
	}
}
