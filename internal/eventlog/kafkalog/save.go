// Saving sums to the compacted topic, and loading them: so that opening need not
// read all records again, and records can be deleted.
package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const (
	countsSuffix = ".counts"
	sumsSuffix   = ".sums"
)

// saveEvery is after how many records of a partition its sums are saved. Too
// small: many writes of the same sums. Too big: opening after a crash takes
// longer, by as many records for each partition.
const saveEvery = 1 << 16

// saver is woken when there is something to save.
type saver struct {
	work chan struct{} // capacity 1
	one  sync.Mutex    // held while one slot is saved
}

func newSaver() *saver { return &saver{work: make(chan struct{}, 1)} }

func (s *saver) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// saveLoop saves in the background. A failure is told by the log and tried
// again when as many records more have come.
func (l *Log) saveLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.saver.work:
		}
		for _, s := range l.slots {
			if s.unsaved() < saveEvery || !l.saves(s) {
				continue
			}
			if err := l.save(ctx, s); err != nil && ctx.Err() == nil {
				l.logger.Error("cannot save counts: opening the log will take longer", "partition", s.index, "error", err)
			}
		}
	}
}

// saves tells whether this process saves the sums of s (K6). Counts that belong to no record
// go with partition 0.
func (l *Log) saves(s *slot) bool {
	if s.index == l.cfg.Partitions {
		return l.savesOf(0)
	}
	return l.savesOf(event.Partition(s.index))
}

func (s *slot) unsaved() event.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	return event.Offset(s.end.Load()) - s.saved
}

// saveAll saves what changed, when the log closes.
func (l *Log) saveAll(ctx context.Context) error {
	var errs []error
	for _, s := range l.slots {
		if s.unsaved() > 0 && l.saves(s) {
			errs = append(errs, l.save(ctx, s))
		}
	}
	return errors.Join(errs...)
}

// save writes the sums of s that changed, and then, when all are durable, the
// mark through which they count. A crash in between leaves some sums ahead of
// the mark; each says through which offset it counts, so nothing is added twice.
func (l *Log) save(ctx context.Context, s *slot) error {
	l.saver.one.Lock()
	defer l.saver.one.Unlock()
	s.mu.Lock()
	through := event.Offset(s.end.Load())
	changed := l.sums.takeDirty(s.index)
	s.mu.Unlock()
	var records []*kgo.Record
	for key, n := range changed {
		records = append(records, l.sumRecord(sumKey(s.index, key), sumValue(n, through)))
	}
	if len(records) > 0 {
		if err := l.produce(ctx, records...); err != nil {
			l.sums.giveBack(s.index, changed)
			return fmt.Errorf("save counts of partition %d: %w", s.index, err)
		}
	}
	if err := l.produce(ctx, l.sumRecord(markKey(s.index), sumValue(0, through))); err != nil {
		l.sums.giveBack(s.index, changed)
		return fmt.Errorf("save counts of partition %d: %w", s.index, err)
	}
	s.mu.Lock()
	s.saved = max(s.saved, through)
	s.mu.Unlock()
	return nil
}

// produce writes records and waits, for a bounded time.
func (l *Log) produce(ctx context.Context, records ...*kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AppendTimeout)
	defer cancel()
	result := make(chan error, 1)
	// Not the client's own waiting: it goes on after ctx, to learn the outcome.
	go func() { result <- l.producer.ProduceSync(context.WithoutCancel(ctx), records...).FirstErr() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Log) sumRecord(key, value []byte) *kgo.Record {
	return &kgo.Record{Topic: l.cfg.Topic + sumsSuffix, Key: key, Value: value}
}

// markKey is the key of the mark of a slot; sums of the slot begin with it.
func markKey(slot int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(slot)) }

func sumKey(slot int, k countKey) []byte {
	out := binary.BigEndian.AppendUint64(markKey(slot), uint64(k.property))
	out = binary.BigEndian.AppendUint32(out, uint32(k.day)^1<<31)
	return append(out, k.reason...)
}

func sumValue(n int64, through event.Offset) []byte {
	out := binary.BigEndian.AppendUint64([]byte{formatVersion}, uint64(n))
	return binary.BigEndian.AppendUint64(out, uint64(through))
}

const (
	markKeyLen    = 2
	sumKeyMinLen  = markKeyLen + 8 + 4
	sumValueBytes = 1 + 8 + 8
)

// loadSums reads the whole topic of sums.
func (l *Log) loadSums(ctx context.Context, shared []kgo.Opt) error {
	topic := l.cfg.Topic + sumsSuffix
	ends, err := listed(ctx, l.admin.ListEndOffsets, topic)
	if err != nil {
		return fmt.Errorf("load counts: %w", err)
	}
	end, ok := ends.Lookup(topic, 0)
	if !ok {
		return fmt.Errorf("load counts: no answer for %s", topic)
	}
	if end.Offset == 0 {
		return nil
	}
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.ConsumePartitions(from)}, shared...)...)
	if err != nil {
		return fmt.Errorf("load counts: %w", err)
	}
	defer client.Close()
	// The last record of a compacted topic is never compacted away.
	for next := int64(0); next < end.Offset; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("load counts: %w", err)
		}
		for _, r := range fetches.Records() {
			if err := l.loadSum(r); err != nil {
				return fmt.Errorf("load counts: %w", err)
			}
			next = r.Offset + 1
		}
	}
	return nil
}

// loadSum takes one record of the topic of sums.
func (l *Log) loadSum(r *kgo.Record) error {
	if bytes.Equal(r.Key, baseKey()) {
		return l.loadBase(r)
	}
	if len(r.Key) < markKeyLen || len(r.Value) != sumValueBytes || r.Value[0] != formatVersion ||
		len(r.Key) != markKeyLen && len(r.Key) < sumKeyMinLen {
		return fmt.Errorf("%s offset %d is no sum: %w", r.Topic, r.Offset, eventlog.ErrCorrupt)
	}
	index := int(binary.BigEndian.Uint16(r.Key))
	n := int64(binary.BigEndian.Uint64(r.Value[1:]))
	through := event.Offset(binary.BigEndian.Uint64(r.Value[9:]))
	if index >= len(l.slots) {
		return fmt.Errorf("%s offset %d is of partition %d: %w", r.Topic, r.Offset, index, eventlog.ErrCorrupt)
	}
	if len(r.Key) == markKeyLen {
		l.slots[index].saved = through
		return nil
	}
	key := countKey{
		property: event.PropertyID(binary.BigEndian.Uint64(r.Key[2:])),
		day:      int32(binary.BigEndian.Uint32(r.Key[10:]) ^ 1<<31),
		reason:   event.RefuseReason(r.Key[sumKeyMinLen:]),
	}
	l.sums.set(index, key, n, through)
	return nil
}
