// Append: a batch is cut into its partitions, and each is handed to the
// idempotent producer.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/eventlog"
)

func (l *Log) producerOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(int32(l.cfg.MaxRecordBytes + recordOverhead)),
		kgo.ProducerLinger(0),
		// Our own queue is the bound: the client must not stop halfway in a batch.
		kgo.MaxBufferedRecords(1 << 30),
		kgo.ProduceRequestTimeout(l.cfg.AppendTimeout),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		kgo.ProducerOnDataLossDetected(l.dataLoss),
	}
	switch l.plant {
	case plantOneAck:
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case plantNotIdempotent:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite())
	default:
		// Idempotent writing is the client's default; it needs these acks.
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	return opts
}

// dataLoss hears that a partition no longer knows our sequence numbers.
func (l *Log) dataLoss(topic string, partition int32) {
	l.telemetry.dataLoss.Inc()
	l.logger.Error("a broker lost records or forgot this producer: what was under way may be there twice",
		"topic", topic, "partition", partition)
}

// append states of a record.
const (
	statePending = iota
	stateDurable
	stateAbsent
)

// appending is one Append under way.
type appending struct {
	l     *Log
	parts []part
	bytes int64
	done  chan struct{}

	mu      sync.Mutex
	left    int // records without an outcome
	states  []byte
	cause   error // the first error
	unknown bool  // a record has an outcome that nobody knows
	overdue bool  // its caller has given up waiting
}

// part is what goes to one slot: records by their index in the batch, or none
// if it holds only counts.
type part struct {
	slot    *slot
	records []int
	counts  []int // by index in the batch
	send    []*kgo.Record
	left    int // records without an outcome
}

// Append makes b durable. See eventlog.Log; the unit is the partition.
func (l *Log) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	parts, bytes, err := l.cut(b)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	release, err := l.enter()
	if err != nil {
		return err
	}
	defer release()
	if len(parts) == 0 {
		return nil
	}
	for i := range parts {
		if n := parts[i].slot.overdue.Load(); n > 0 {
			l.telemetry.refused.Inc()
			return fmt.Errorf("append to partition %d: brokers have not answered %d appends before: %w",
				parts[i].slot.index, n, eventlog.ErrFull)
		}
	}
	if err := l.queue.enter(ctx, bytes, l.cfg.MaxQueueWait, l.closing); err != nil {
		if errors.Is(err, eventlog.ErrFull) {
			l.telemetry.refused.Inc()
		}
		return fmt.Errorf("append %d bytes: %w", bytes, err)
	}
	a := &appending{
		l: l, parts: parts, bytes: bytes,
		done: make(chan struct{}), states: make([]byte, len(b.Records)),
	}
	for i := range parts {
		a.left += len(parts[i].send)
	}
	for i := range parts {
		a.send(&parts[i])
	}
	return a.wait(ctx, b)
}

// send hands the records of one part to the producer, one after the other.
func (a *appending) send(p *part) {
	p.slot.sending.Lock()
	defer p.slot.sending.Unlock()
	for i, r := range p.send {
		if a.l.broken.Load() == r.Partition && r.Topic == a.l.cfg.Topic {
			a.outcome(p, i, nil, kerr.TopicAuthorizationFailed)
			continue
		}
		// The caller's context is not given along: a record that was handed over
		// must not be taken back, or those behind it would overtake.
		a.l.producer.Produce(context.Background(), r, func(r *kgo.Record, err error) { a.outcome(p, i, r, err) })
	}
}

// outcome is called once for each record of a part, in order within a partition.
func (a *appending) outcome(p *part, i int, r *kgo.Record, err error) {
	if err == nil {
		a.l.acknowledged(p.slot, r)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	state := byte(stateDurable)
	if err != nil {
		state = stateAbsent
		if a.cause == nil {
			a.cause = fmt.Errorf("%s partition %d: %w", p.slot.topic, p.slot.partition, err)
		}
		a.unknown = a.unknown || !isRefusal(err)
		if isUnfit(err) && !errors.Is(a.cause, eventlog.ErrInvalid) {
			a.cause = fmt.Errorf("%w: %w", eventlog.ErrInvalid, a.cause)
		}
	}
	if len(p.records) > 0 {
		a.states[p.records[i]] = state
	}
	p.left--
	if p.left == 0 && a.overdue {
		p.slot.overdue.Add(-1)
	}
	a.left--
	if a.left == 0 {
		a.l.queue.leave(a.bytes)
		close(a.done)
	}
}

// acknowledged moves the end of s over a record of our own, if it is next.
func (l *Log) acknowledged(s *slot, r *kgo.Record) {
	l.telemetry.records.Inc()
	l.telemetry.bytes.Add(float64(len(r.Value)))
	if r.Offset < 0 {
		return // A repetition that the broker knew; the follower will bring it.
	}
	if l.cfg.AppendOnly {
		s.mu.Lock()
		s.end.Store(max(s.end.Load(), uint64(s.offset(r.Offset))+1))
		s.mu.Unlock()
		return
	}
	counts, err := parseCounts(r.Headers[0].Value[headerFixed:])
	if err == nil {
		err = l.take(s, arrival{offset: s.offset(r.Offset), payload: r.Value, counts: counts})
	}
	if err != nil {
		l.fail(err)
	}
	l.wakeWaiters()
}

// isRefusal tells errors by which a broker says that it did not take a record.
// After all others it may have.
func isRefusal(err error) bool {
	return isUnfit(err) || isOneOf(err, kerr.InvalidTimestamp,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.PolicyViolation)
}

// isUnfit tells errors by which a broker says that it never takes such a record.
func isUnfit(err error) bool {
	return isOneOf(err, kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord)
}

func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// wait returns when all records have their outcome, or time is over.
func (a *appending) wait(ctx context.Context, b *eventlog.Batch) error {
	timer := time.NewTimer(a.l.cfg.AppendTimeout)
	defer timer.Stop()
	var gaveUp error
	select {
	case <-a.done:
	case <-ctx.Done():
		gaveUp = ctx.Err()
	case <-timer.C:
		gaveUp = fmt.Errorf("brokers did not answer within %v", a.l.cfg.AppendTimeout)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if gaveUp != nil && a.left > 0 {
		a.cause, a.unknown = gaveUp, true
		// A caller that went away says nothing about the brokers.
		a.overdue = ctx.Err() == nil
		for i := range a.parts {
			if a.overdue && a.parts[i].left > 0 {
				a.parts[i].slot.overdue.Add(1)
			}
		}
	}
	return a.result(b)
}

// result says what became of the batch. The caller holds mu.
func (a *appending) result(b *eventlog.Batch) error {
	if a.cause == nil {
		return nil
	}
	err := a.cause
	if a.unknown {
		a.l.telemetry.unknown.Inc()
		err = fmt.Errorf("%w: %w", eventlog.ErrUnknown, a.cause)
	}
	partial := &eventlog.PartialError{
		Durable: make([]bool, len(b.Records)), Counted: make([]bool, len(b.Counts)), Err: err,
	}
	some := false
	for i := range a.parts {
		p := &a.parts[i]
		if len(p.send) > 1 && len(p.records) == 0 && !a.unknown {
			// Counts that took several records: the first ones may be there.
			err = fmt.Errorf("%w: %w", eventlog.ErrUnknown, a.cause)
		}
		for _, c := range p.counts {
			// As encode has it: with its record, or with the first.
			at := b.Counts[c].Record - 1
			if at < 0 && len(p.records) > 0 {
				at = p.records[0]
			}
			partial.Counted[c] = at >= 0 && a.states[at] == stateDurable
		}
		for _, r := range p.records {
			partial.Durable[r] = a.states[r] == stateDurable
			some = some || partial.Durable[r]
		}
	}
	if some {
		return fmt.Errorf("append: %w", partial)
	}
	return fmt.Errorf("append: %w", err)
}
