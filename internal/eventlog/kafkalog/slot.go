// slot: what the log knows of one partition of a topic.
package kafkalog

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// slot is one partition: of the records, or the one of counts without records.
type slot struct {
	index     int // partition of the log; Config.Partitions for the counts
	topic     string
	partition int32
	// base is the offset of Kafka's record 0 in the log (base.go); set before anything else is.
	base event.Offset

	// sending is held while the records of one Append are handed to the
	// producer, so that they are adjacent (K2).
	sending sync.Mutex
	// overdue is how many Appends gave up waiting although the producer has not:
	// while there are any, brokers do not answer.
	overdue atomic.Int32

	// end and start are written under mu.
	end   atomic.Uint64
	start atomic.Uint64

	mu    sync.Mutex // guards tail, and orders end after the sums (K3)
	tail  window     // ends at end
	saved event.Offset

	// reading is held while the partition is fetched for a reader that is behind.
	reading sync.Mutex
	ahead   window
}

// arrival is a record whose offset is known and that is below the high
// watermark.
type arrival struct {
	offset   event.Offset
	payload  []byte
	counts   []eventlog.Count
	followed bool // by the follower, which leaves nothing out
}

// take moves the end of s over a if a is next. Both the follower and the
// acknowledgements of our own appends come here; whoever is first adds the
// counts, and the end moves after that (K3). An acknowledged record that is not
// next has records of other programs before it, which the follower will bring.
func (l *Log) take(s *slot, a arrival) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := event.Offset(s.end.Load())
	switch {
	case a.offset < end, a.offset > end && !a.followed:
		return nil
	case a.offset > end:
		return fmt.Errorf("%s partition %d: offset %d follows %d: %w: a topic of events has no gaps; was it written with transactions, or compacted?",
			s.topic, s.partition, a.offset, end, eventlog.ErrCorrupt)
	}
	l.sums.add(s, a.offset, a.counts)
	if s.index < l.cfg.Partitions {
		s.tail.push(a.payload, l.cfg.TailBytes)
	}
	s.end.Store(uint64(end + 1))
	if uint64(end+1-s.saved) >= saveEvery {
		l.saver.wake()
	}
	return nil
}

// raiseStart notes that records below start are gone.
func (s *slot) raiseStart(start event.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uint64(start) > s.start.Load() {
		s.start.Store(uint64(start))
	}
}

// slotOf returns the slot of a Kafka partition, or nil.
func (l *Log) slotOf(topic string, partition int32) *slot {
	switch {
	case topic == l.cfg.Topic && partition >= 0 && int(partition) < l.cfg.Partitions:
		return l.slots[partition]
	case topic == l.cfg.Topic+countsSuffix && partition == 0:
		return l.slots[l.cfg.Partitions]
	}
	return nil
}

// takeFetched takes what the follower brought of one partition.
func (l *Log) takeFetched(s *slot, records []*kgo.Record) error {
	for _, r := range records {
		counts, err := parseRecord(r)
		if err != nil {
			return err
		}
		if err := l.take(s, arrival{s.offset(r.Offset), r.Value, counts, true}); err != nil {
			return err
		}
	}
	if len(records) > 0 {
		l.wakeWaiters()
	}
	return nil
}
