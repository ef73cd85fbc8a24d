// Reading: from the tail in memory if the reader keeps up, else by fetching from
// the partition's leader.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const (
	// fetchBytes is asked for at once for a reader that is behind. What it does
	// not take now is kept for its next Read.
	fetchBytes = 1 << 20
	// fetchWait is how long a broker holds such a fetch if it has nothing yet.
	fetchWait = 200 * time.Millisecond
	// fetchPause is between attempts to find a leader.
	fetchPause = 50 * time.Millisecond
)

// Read copies records of p from offset from on into dst. See eventlog.Log.
func (l *Log) Read(
	ctx context.Context, p event.Partition, from event.Offset, maxBytes int, dst []eventlog.Entry,
) ([]eventlog.Entry, error) {
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	if int(p) >= l.cfg.Partitions {
		return dst, fmt.Errorf("read: no partition %d, the log has %d", p, l.cfg.Partitions)
	}
	release, err := l.enterReader()
	if err != nil {
		return dst, err
	}
	defer release()
	s := l.slots[p]
	if err := s.checkStart(from); err != nil {
		return dst, err
	}
	// Nothing above the end is returned, even if it was fetched: it is not
	// counted yet (K3).
	end := event.Offset(s.end.Load())
	before := len(dst)
	for next, budget := from, maxBytes; next < end; {
		grown, used, full, err := l.readSome(ctx, s, next, end, budget, dst, next == from)
		if err != nil {
			return dst[:before], fmt.Errorf("read partition %d at %d: %w", p, next, err)
		}
		next += event.Offset(len(grown) - len(dst))
		dst, budget = grown, budget-used
		if full {
			break
		}
	}
	return dst, nil
}

func (s *slot) checkStart(from event.Offset) error {
	if start := event.Offset(s.start.Load()); from < start {
		return fmt.Errorf("read partition %d at %d, start is %d: %w", s.index, from, start, eventlog.ErrTruncated)
	}
	return nil
}

// readSome appends records from one window to dst: the tail if it has them,
// else what was fetched for a reader that is behind, fetching if needed.
func (l *Log) readSome(
	ctx context.Context, s *slot, next, end event.Offset, budget int, dst []eventlog.Entry, first bool,
) (_ []eventlog.Entry, used int, full bool, err error) {
	s.mu.Lock()
	if s.tail.holds(next) {
		defer s.mu.Unlock()
		dst, used, full = s.tail.appendEntries(dst, next, end, budget, first)
		return dst, used, full, nil
	}
	s.mu.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	if !s.ahead.holds(next) {
		if err := l.fetch(ctx, s, next); err != nil {
			return dst, 0, false, err
		}
	}
	dst, used, full = s.ahead.appendEntries(dst, next, end, budget, first)
	return dst, used, full, nil
}

// fetch fills s.ahead with what follows next, which is known to be there. The
// caller holds reading. It tries again, for a bounded time, when leaders change.
func (l *Log) fetch(ctx context.Context, s *slot, next event.Offset) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.ReadTimeout)
	defer cancel()
	l.telemetry.fetches.Inc()
	var last error
	for {
		done, err := l.fetchOnce(ctx, s, next)
		if done || err != nil && !retriable(err) {
			return err
		}
		if err != nil {
			last = err
			l.reader.ForceMetadataRefresh()
			if !pause(ctx, fetchPause) {
				return errors.Join(ctx.Err(), last)
			}
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), last)
		}
	}
}

// retriable: trying again may help.
func retriable(err error) bool {
	var ke *kerr.Error
	return !errors.Is(err, eventlog.ErrCorrupt) && !errors.Is(err, eventlog.ErrTruncated) &&
		!errors.Is(err, kgo.ErrClientClosed) && (!errors.As(err, &ke) || ke.Retriable)
}

// pause waits a moment and returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fetchOnce asks the leader once. A consumer's fetch ends below the high
// watermark (L4).
func (l *Log) fetchOnce(ctx context.Context, s *slot, next event.Offset) (done bool, err error) {
	leader, _, err := l.reader.PartitionLeader(s.topic, s.partition)
	if err != nil {
		return false, err
	}
	if leader < 0 {
		return false, errors.New("no leader is known")
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(fetchWait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = fetchBytes
	req.SessionEpoch = -1
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition = s.partition
	part.CurrentLeaderEpoch = -1
	part.FetchOffset = s.kafka(next)
	part.PartitionMaxBytes = fetchBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = s.topic, l.topicID
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	// Not over the follower's connection: a broker answers one request of a
	// connection after the other, and the follower's waits for news.
	resp, err := req.RequestWith(ctx, l.producer.Broker(int(leader)))
	if err != nil {
		return false, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return false, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return false, errors.New("a fetch of one partition was answered for others")
	}
	return l.fetched(s, next, &resp.Topics[0].Partitions[0])
}

// fetched takes an answer: records into s.ahead, or why there are none.
func (l *Log) fetched(s *slot, next event.Offset, rp *kmsg.FetchResponseTopicPartition) (done bool, err error) {
	if rp.LogStartOffset > 0 {
		s.raiseStart(s.offset(rp.LogStartOffset))
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: s.kafka(next), Topic: s.topic, Partition: s.partition}
	fp, _ := kgo.ProcessFetchPartition(opts, rp, kgo.DefaultDecompressor(), nil)
	// What was decoded before a damaged batch is good; the damage comes up again.
	if len(fp.Records) == 0 && fp.Err != nil {
		if errors.Is(fp.Err, kerr.OffsetOutOfRange) {
			if err := s.checkStart(next); err != nil {
				return false, err
			}
			return false, fmt.Errorf("%w: %w: the records were there before", eventlog.ErrCorrupt, fp.Err)
		}
		var ke *kerr.Error
		if !errors.As(fp.Err, &ke) {
			return false, fmt.Errorf("%w: %w", eventlog.ErrCorrupt, fp.Err)
		}
		return false, fp.Err
	}
	if len(fp.Records) == 0 {
		return false, nil // A new leader may not know yet how far the high watermark is.
	}
	s.ahead.reset(next)
	for _, r := range fp.Records {
		if s.offset(r.Offset) != s.ahead.end() {
			return false, fmt.Errorf("offset %d where %d is next: %w", s.offset(r.Offset), s.ahead.end(), eventlog.ErrCorrupt)
		}
		if _, err := parseRecord(r); err != nil {
			return false, err
		}
		s.ahead.payloads = append(s.ahead.payloads, r.Value)
	}
	return true, nil
}
