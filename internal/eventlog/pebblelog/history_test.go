// A history of what was sent to a log and what came of it, and the check that a
// log recovered from some file system agrees with it.
package pebblelog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// outcome of one append, as its caller was told.
type outcome int

const (
	outcomePending outcome = iota // no answer yet: may or may not survive
	outcomeAcked                  // must survive
	outcomeUnknown                // may or may not survive
	outcomeRefused                // must never be seen
)

// history remembers every batch. Batch n carries count n under property n+1, so
// that its presence can be told even when its records are truncated.
type history struct {
	mu      sync.Mutex
	batches []sentBatch
	starts  []event.Offset // of acknowledged truncations
	asked   []event.Offset // of truncations that were asked for
	read    []event.Offset // ends of what was read
}

type sentBatch struct {
	outcome outcome
	records map[event.Partition]int
}

func newHistory(partitions int) *history {
	return &history{
		starts: make([]event.Offset, partitions),
		asked:  make([]event.Offset, partitions),
		read:   make([]event.Offset, partitions),
	}
}

// payloadOf is record i of batch n in partition p: its name, then noise that
// does not compress.
func payloadOf(n int, p event.Partition, i, size int) []byte {
	payload := fmt.Appendf(nil, "%d %d %d ", n, p, i)
	noise := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(p), byte(i)})
	rest := make([]byte, max(0, size-len(payload)))
	_, _ = noise.Read(rest)
	return append(payload, rest...)
}

// send makes a batch with records of size bytes in some partitions, appends it
// and notes the outcome.
func (h *history) send(ctx context.Context, l *Log, size int) {
	h.mu.Lock()
	n := len(h.batches)
	sent := sentBatch{records: map[event.Partition]int{}}
	b := &eventlog.Batch{}
	for i := range 2 + n%3 {
		p := event.Partition((n + i*i) % l.Partitions())
		b.Records = append(b.Records, eventlog.Record{
			Partition: p, Payload: payloadOf(n, p, sent.records[p], size),
		})
		sent.records[p]++
	}
	b.Counts = []eventlog.Count{{Property: event.PropertyID(n + 1), N: int64(len(b.Records))}}
	h.batches = append(h.batches, sent)
	h.mu.Unlock()

	err := l.Append(ctx, b)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.batches[n].outcome = outcomeAcked
	case errors.Is(err, eventlog.ErrUnknown):
		h.batches[n].outcome = outcomeUnknown
	default:
		h.batches[n].outcome = outcomeRefused
	}
}

func (h *history) truncate(ctx context.Context, l *Log, p event.Partition, before event.Offset) {
	h.mu.Lock()
	h.asked[p] = max(h.asked[p], before)
	h.mu.Unlock()
	if l.Truncate(ctx, p, before) == nil {
		h.mu.Lock()
		h.starts[p] = max(h.starts[p], min(before, l.End(p)))
		h.mu.Unlock()
	}
}

// readAlong reads what can be read now and notes how far it got.
func (h *history) readAlong(l *Log) {
	for p := range event.Partition(l.Partitions()) {
		h.mu.Lock()
		from := h.read[p]
		h.mu.Unlock()
		from = max(from, l.Start(p))
		got, err := l.Read(context.Background(), p, from, 1<<20, nil)
		if err == nil && len(got) > 0 {
			h.mu.Lock()
			h.read[p] = got[len(got)-1].Offset + 1
			h.mu.Unlock()
		}
	}
}

// copy returns the history as it is now: later answers do not bind the log that
// is recovered from now.
func (h *history) copy() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &history{
		batches: append([]sentBatch(nil), h.batches...),
		starts:  append([]event.Offset(nil), h.starts...),
		asked:   append([]event.Offset(nil), h.asked...),
		read:    append([]event.Offset(nil), h.read...),
	}
}

// check compares l with the history: acknowledged batches are there and refused
// ones are not (L1), batches are whole (L2, L6), offsets have no gap (L3), what
// was read is still there (L4), bytes are those that were sent (L7).
func (h *history) check(l *Log) error {
	present, err := h.checkCounts(l)
	if err != nil {
		return err
	}
	for p := range event.Partition(l.Partitions()) {
		var want event.Offset
		for n := range h.batches {
			if present[n] {
				want += event.Offset(h.batches[n].records[p])
			}
		}
		if end := l.End(p); end != want {
			return fmt.Errorf("partition %d ends at %d, its batches have %d records", p, end, want)
		}
		if h.read[p] > want {
			return fmt.Errorf("partition %d was read up to %d, ends at %d", p, h.read[p], want)
		}
		if start := l.Start(p); start < h.starts[p] || start > h.asked[p] {
			return fmt.Errorf("partition %d starts at %d, acknowledged %d, asked for %d",
				p, start, h.starts[p], h.asked[p])
		}
		if err := h.checkRecords(l, p, present); err != nil {
			return err
		}
	}
	return nil
}

// checkCounts tells which batches are present by their counts.
func (h *history) checkCounts(l *Log) ([]bool, error) {
	counts, err := l.Counts(context.Background())
	if err != nil {
		return nil, err
	}
	present := make([]bool, len(h.batches))
	for _, c := range counts {
		n := int(c.Property) - 1
		if n < 0 || n >= len(h.batches) {
			return nil, fmt.Errorf("count of batch %d, which was never sent", n)
		}
		total := 0
		for _, r := range h.batches[n].records {
			total += r
		}
		if c.N != int64(total) {
			return nil, fmt.Errorf("batch %d has count %d, %d records were sent", n, c.N, total)
		}
		present[n] = true
	}
	for n, b := range h.batches {
		if b.outcome == outcomeAcked && !present[n] {
			return nil, fmt.Errorf("batch %d was acknowledged and is lost", n)
		}
		if b.outcome == outcomeRefused && present[n] {
			return nil, fmt.Errorf("batch %d was refused and is there", n)
		}
	}
	return present, nil
}

// checkRecords reads the whole partition.
func (h *history) checkRecords(l *Log, p event.Partition, present []bool) error {
	next := l.Start(p)
	seen := map[int]int{}
	for next < l.End(p) {
		got, err := l.Read(context.Background(), p, next, 100_000, nil)
		if err != nil {
			return err
		}
		if len(got) == 0 {
			return fmt.Errorf("partition %d: nothing to read at %d of %d", p, next, l.End(p))
		}
		for _, e := range got {
			if e.Offset != next {
				return fmt.Errorf("partition %d: offset %d where %d is next", p, e.Offset, next)
			}
			next++
			var n, in, i int
			if _, err := fmt.Sscanf(string(e.Payload), "%d %d %d ", &n, &in, &i); err != nil {
				return fmt.Errorf("partition %d offset %d: %w", p, e.Offset, err)
			}
			if n >= len(present) || !present[n] {
				return fmt.Errorf("partition %d offset %d: record of batch %d, which is not there", p, e.Offset, n)
			}
			if string(e.Payload) != string(payloadOf(n, p, i, len(e.Payload))) {
				return fmt.Errorf("partition %d offset %d: other bytes than were sent", p, e.Offset)
			}
			// The first of a batch may be truncated; from then on in order.
			if was, ok := seen[n]; ok && i != was+1 || event.Partition(in) != p {
				return fmt.Errorf("partition %d offset %d: record %d of batch %d after %d", p, e.Offset, i, n, was)
			}
			seen[n] = i
		}
	}
	return nil
}
