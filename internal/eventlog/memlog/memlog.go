// The in-memory log: slices of payloads behind one mutex.
package memlog

import (
	"context"
	"fmt"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

var _ eventlog.Log = (*Log)(nil)

// Config says how large the log may be.
type Config struct {
	// Partitions is the number of partitions. Zero means 16.
	Partitions int
	// MaxBytes bounds the payload bytes that are kept; beyond it Append fails
	// with ErrFull until something is truncated. Zero means no bound.
	MaxBytes int64
	// Base is the first offset of each partition; nil means 0.
	Base []event.Offset
	// Received is what was received before the log began.
	Received []eventlog.Count
}

// Log is an event log in memory.
type Log struct {
	maxBytes int64

	mu      sync.Mutex
	parts   []partition
	counts  map[countKey]int64
	bytes   int64
	closed  bool
	advance chan struct{} // closed when records arrive or the log closes; nil if nobody waits
}

type partition struct {
	start    event.Offset
	payloads [][]byte
}

func (p *partition) end() event.Offset { return p.start + event.Offset(len(p.payloads)) }

type countKey struct {
	property event.PropertyID
	day      int32
	reason   event.RefuseReason
}

// New returns an empty log.
func New(cfg Config) *Log {
	if cfg.Partitions == 0 {
		cfg.Partitions = 16
	}
	l := &Log{
		maxBytes: cfg.MaxBytes,
		parts:    make([]partition, cfg.Partitions),
		counts:   make(map[countKey]int64),
	}
	for p, o := range cfg.Base {
		l.parts[p].start = o
	}
	for _, c := range cfg.Received {
		l.counts[countKey{c.Property, c.Day, c.Reason}] += c.N
	}
	return l
}

// Partitions returns the number of partitions.
func (l *Log) Partitions() int { return len(l.parts) }

// Append copies b into the log.
func (l *Log) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var size int64
	for i := range b.Records {
		if p := b.Records[i].Partition; int(p) >= len(l.parts) {
			return fmt.Errorf("append record %d: no partition %d, the log has %d: %w", i, p, len(l.parts), eventlog.ErrInvalid)
		}
		size += int64(len(b.Records[i].Payload))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventlog.ErrClosed
	}
	if l.maxBytes > 0 && !b.Essential && l.bytes+size > l.maxBytes {
		return fmt.Errorf("append %d bytes to %d of %d: %w", size, l.bytes, l.maxBytes, eventlog.ErrFull)
	}
	l.bytes += size
	for i := range b.Records {
		p := &l.parts[b.Records[i].Partition]
		p.payloads = append(p.payloads, append([]byte{}, b.Records[i].Payload...))
	}
	for _, c := range b.Counts {
		l.counts[countKey{c.Property, c.Day, c.Reason}] += c.N
	}
	l.wake()
	return nil
}

// Read copies records of p into dst.
func (l *Log) Read(
	ctx context.Context, p event.Partition, from event.Offset, maxBytes int, dst []eventlog.Entry,
) ([]eventlog.Entry, error) {
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	if int(p) >= len(l.parts) {
		return dst, fmt.Errorf("read: no partition %d, the log has %d", p, len(l.parts))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return dst, eventlog.ErrClosed
	}
	part := &l.parts[p]
	if from < part.start {
		return dst, fmt.Errorf("read partition %d at %d, start is %d: %w",
			p, from, part.start, eventlog.ErrTruncated)
	}
	read := 0
	for o := from; o < part.end(); o++ {
		payload := part.payloads[o-part.start]
		if o > from && read+len(payload) > maxBytes {
			break
		}
		read += len(payload)
		dst = append(dst, eventlog.Entry{Offset: o, Payload: append([]byte{}, payload...)})
	}
	return dst, nil
}

// End returns the offset of the next record of p.
func (l *Log) End(p event.Partition) event.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parts[p].end()
}

// Start returns the oldest offset of p.
func (l *Log) Start(p event.Partition) event.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parts[p].start
}

// Wait returns once a partition has a record at or after ends[p].
func (l *Log) Wait(ctx context.Context, ends []event.Offset) error {
	if len(ends) != len(l.parts) {
		return fmt.Errorf("wait: %d ends for %d partitions", len(ends), len(l.parts))
	}
	for {
		advance, err := l.advanced(ends)
		if err != nil || advance == nil {
			return err
		}
		select {
		case <-advance:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// advanced returns nil if a partition is past ends, else a channel that is
// closed at the next change.
func (l *Log) advanced(ends []event.Offset) (<-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, eventlog.ErrClosed
	}
	for p := range l.parts {
		if l.parts[p].end() > ends[p] {
			return nil, nil
		}
	}
	if l.advance == nil {
		l.advance = make(chan struct{})
	}
	return l.advance, nil
}

// Truncate forgets records of p below before.
func (l *Log) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if int(p) >= len(l.parts) {
		return fmt.Errorf("truncate: no partition %d, the log has %d", p, len(l.parts))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventlog.ErrClosed
	}
	part := &l.parts[p]
	before = min(before, part.end())
	if before <= part.start {
		return nil
	}
	gone := part.payloads[:before-part.start]
	for _, payload := range gone {
		l.bytes -= int64(len(payload))
	}
	part.payloads = append([][]byte(nil), part.payloads[before-part.start:]...)
	part.start = before
	return nil
}

// Counts returns the sums of all counts.
func (l *Log) Counts(ctx context.Context) ([]eventlog.Count, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, eventlog.ErrClosed
	}
	out := make([]eventlog.Count, 0, len(l.counts))
	for k, n := range l.counts {
		out = append(out, eventlog.Count{Property: k.property, Day: k.day, Reason: k.reason, N: n})
	}
	return out, nil
}

// CountsOf returns the sums of one property, over all days.
func (l *Log) CountsOf(ctx context.Context, id event.PropertyID) (map[event.RefuseReason]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, eventlog.ErrClosed
	}
	out := make(map[event.RefuseReason]int64)
	for k, n := range l.counts {
		if k.property == id {
			out[k.reason] += n
		}
	}
	return out, nil
}

// Usage returns how many payload bytes are kept, and how many may be at most; 0
// means no bound.
func (l *Log) Usage() (used, bound int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, l.maxBytes
}

// Close wakes all who wait. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
	return nil
}

func (l *Log) wake() {
	if l.advance != nil {
		close(l.advance)
		l.advance = nil
	}
}
