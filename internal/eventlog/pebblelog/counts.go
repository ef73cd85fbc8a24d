// Counts: sums that are kept by a Pebble merge operator, so that a commit only
// writes what it adds (L6).
package pebblelog

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/eventlog"
)

// mergerName is stored in the database; another meaning needs another name.
const mergerName = "tidemark.sum.v1"

func newMerger() *pebble.Merger {
	return &pebble.Merger{
		Name: mergerName,
		Merge: func(key, value []byte) (pebble.ValueMerger, error) {
			s := &sum{}
			return s, s.add(value)
		},
	}
}

// sum adds up 64-bit little endian numbers; their order does not matter.
type sum struct{ n int64 }

func (s *sum) add(value []byte) error {
	if len(value) != 8 {
		return fmt.Errorf("count of %d bytes: %w", len(value), eventlog.ErrCorrupt)
	}
	s.n += int64(binary.LittleEndian.Uint64(value))
	return nil
}

func (s *sum) MergeNewer(value []byte) error { return s.add(value) }
func (s *sum) MergeOlder(value []byte) error { return s.add(value) }

func (s *sum) Finish(bool) ([]byte, io.Closer, error) {
	return binary.LittleEndian.AppendUint64(nil, uint64(s.n)), nil, nil
}

// Counts returns the sums of all counts that are durable. Pebble shows commits
// before they are synced, so it waits for the sync of every commit that its
// snapshot may hold.
func (l *Log) Counts(ctx context.Context) ([]eventlog.Count, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release, err := l.enter()
	if err != nil {
		return nil, err
	}
	defer release()
	var out []eventlog.Count
	err = l.isolateReading(func() (err error) {
		out, err = l.readCounts(func() error { return l.waitDurable(ctx, l.begun.Load()) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readCounts reads all counts as of now. It calls settle when what will be read
// is fixed.
func (l *Log) readCounts(settle func() error) ([]eventlog.Count, error) {
	return l.readCountsOf(kindCount, settle)
}

func (l *Log) readCountsOf(kind byte, settle func() error) ([]eventlog.Count, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", asCorrupt(err))
	}
	defer func() { _ = it.Close() }()
	if err := settle(); err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	var out []eventlog.Count
	for ok := it.First(); ok; ok = it.Next() {
		id, err := parseCountKey(it.Key())
		if err != nil {
			return nil, fmt.Errorf("read counts: %w: %w", eventlog.ErrCorrupt, err)
		}
		s := sum{}
		if err := s.add(it.Value()); err != nil {
			return nil, fmt.Errorf("read counts: %w", err)
		}
		out = append(out, eventlog.Count{Property: id.property, Day: id.day, Reason: id.reason, N: s.n})
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("read counts: %w", asCorrupt(err))
	}
	return out, nil
}
