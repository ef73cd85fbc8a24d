// Reading: seek to the chunk that holds an offset, then chunk by chunk and chapter by chapter.
package pebblelog

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// End returns the offset of the next record of p; all below are durable.
func (l *Log) End(p event.Partition) event.Offset { return event.Offset(l.ends[p].Load()) }

// Start returns the oldest offset of p.
func (l *Log) Start(p event.Partition) event.Offset { return event.Offset(l.starts[p].Load()) }

// durableStart is the start of p that a crash cannot take back.
func (l *Log) durableStart(p event.Partition) event.Offset { return event.Offset(l.kept[p].Load()) }

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
	release, err := l.enter()
	if err != nil {
		return dst, err
	}
	defer release()
	if err := l.checkStart(p, from); err != nil {
		return dst, err
	}
	// The end is read before the iterator is made: all below it is in the
	// database by then, and nothing above it is returned (P2).
	end := l.End(p)
	if l.plant == plantReadUnsynced {
		end = offsetLimit
	}
	if from >= end {
		return dst, nil
	}
	var out []eventlog.Entry
	err = l.isolateReading(func() (err error) {
		out, err = l.readChunks(ctx, p, from, end, maxBytes, dst)
		return err
	})
	if errors.Is(err, errGaveUp) {
		return nil, fmt.Errorf("read partition %d at %d: %w", p, from, err) // dst may be written to
	}
	if err != nil {
		// A truncation may have removed chunks since checkStart.
		if truncated := l.checkStart(p, from); truncated != nil {
			return dst, truncated
		}
		return dst, fmt.Errorf("read partition %d at %d: %w", p, from, asCorrupt(err))
	}
	return out, nil
}

func (l *Log) checkStart(p event.Partition, from event.Offset) error {
	if start := l.Start(p); from < start {
		return fmt.Errorf("read partition %d at %d, start is %d: %w",
			p, from, start, eventlog.ErrTruncated)
	}
	return nil
}

// readChunks walks the chunks that cover [from, end) until maxBytes are read.
func (l *Log) readChunks(
	ctx context.Context, p event.Partition, from, end event.Offset, maxBytes int, dst []eventlog.Entry,
) ([]eventlog.Entry, error) {
	it, err := l.db.NewIterWithContext(ctx, nil)
	if err != nil {
		return dst, err
	}
	defer func() { _ = it.Close() }()
	first := true
	for next := from; next < end; {
		number, chapterEnd, ok := l.chapters.find(p, next)
		if !ok {
			return dst, fmt.Errorf("no chapter holds offset %d: %w", next, eventlog.ErrCorrupt)
		}
		it.SetBounds(chunkBounds(number, p))
		stop := min(end, chapterEnd)
		for ok := it.SeekLT(chunkKey(number, p, next+1)); next < stop; ok = it.Next() {
			if !ok {
				return l.stopReading(p, next, stop, dst, it.Error())
			}
			c, err := currentChunk(it)
			if err != nil {
				return dst, err
			}
			if next < c.base || next >= c.endOffset() || (!first && c.base != next) {
				return dst, fmt.Errorf("chunk [%d, %d) where offset %d was expected: %w",
					c.base, c.endOffset(), next, eventlog.ErrCorrupt)
			}
			var used int
			var full bool
			dst, used, full = c.appendEntries(dst, next, end, maxBytes, first)
			if full {
				return dst, nil
			}
			maxBytes -= used
			next, first = c.endOffset(), false
		}
	}
	return dst, nil
}

// stopReading decides what it means that no chunk follows although the
// partition ends later.
func (l *Log) stopReading(
	p event.Partition, next, end event.Offset, dst []eventlog.Entry, err error,
) ([]eventlog.Entry, error) {
	if err != nil {
		return dst, err
	}
	if l.plant == plantReadUnsynced {
		return dst, nil
	}
	return dst, fmt.Errorf("partition %d ends at %d, no chunk holds %d: %w",
		p, end, next, eventlog.ErrCorrupt)
}

// currentChunk parses the chunk under the iterator.
func currentChunk(it *pebble.Iterator) (chunk, error) {
	p, base, err := parseChunkKey(it.Key())
	if err != nil {
		return chunk{}, fmt.Errorf("%w: %w", eventlog.ErrCorrupt, err)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return chunk{}, err
	}
	return parseChunk(p, base, value)
}
