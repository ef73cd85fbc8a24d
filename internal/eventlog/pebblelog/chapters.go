// Chapters: the log in time. A chapter is what was appended while a table in memory fills, with the
// chunks of each partition together. Keys begin with the number of their chapter, so that
// the files of the database follow each other in time and compaction has nothing to merge:
// with keys that begin with the partition, each new file overlaps all that is there, and
// a log of some gigabytes was written again and again. A chapter is forgotten as a whole.
package pebblelog

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// firstChapter is the number of the first. Number 0 are the chunks of a log of format version 1,
// whose keys name no chapter.
const firstChapter = 1

// chapter is a number and where each partition stood when it began.
type chapter struct {
	number uint32
	starts []event.Offset
}

// chapters are those that the log still has, in order. The committer adds, the reclaimer
// takes away, readers look.
type chapters struct {
	mu  sync.RWMutex
	all []chapter
}

func (c *chapters) add(ch chapter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, ch)
}

// find returns the chapter that holds offset `at` of p, and where the records of p end in
// it; for the last chapter that is offsetLimit.
func (c *chapters) find(p event.Partition, at event.Offset) (number uint32, end event.Offset, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i, found := slices.BinarySearchFunc(c.all, at, func(ch chapter, at event.Offset) int {
		if ch.starts[p] <= at {
			return -1 // the last of these is the one
		}
		return 1
	})
	if found || i == 0 {
		return 0, 0, false
	}
	end = offsetLimit
	if i < len(c.all) {
		end = c.all[i].starts[p]
	}
	return c.all[i-1].number, end, true
}

// behind returns the chapters, from one up to before another, in which no partition has a record
// at or after its start.
func (c *chapters) behind(start func(event.Partition) event.Offset) (from, to uint32, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	gone := 0
	for gone+1 < len(c.all) {
		for p, next := range c.all[gone+1].starts {
			if next > start(event.Partition(p)) {
				return c.until(gone)
			}
		}
		gone++
	}
	return c.until(gone)
}

func (c *chapters) until(n int) (from, to uint32, ok bool) {
	if n == 0 {
		return 0, 0, false
	}
	return c.all[0].number, c.all[n].number, true
}

// forget drops the chapters before a number.
func (c *chapters) forget(to uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = slices.DeleteFunc(slices.Clone(c.all), func(ch chapter) bool { return ch.number < to })
}

// encodeChapter: a start for each partition, and a sum of number and starts.
func encodeChapter(ch chapter) []byte {
	b := make([]byte, 0, 8*len(ch.starts)+8)
	for _, s := range ch.starts {
		b = binary.LittleEndian.AppendUint64(b, uint64(s))
	}
	return binary.LittleEndian.AppendUint64(b, xxh3.HashSeed(b, uint64(ch.number)))
}

func decodeChapter(number uint32, partitions int, b []byte) (chapter, error) {
	body := len(b) - 8
	if body != 8*partitions || binary.LittleEndian.Uint64(b[body:]) != xxh3.HashSeed(b[:body], uint64(number)) {
		return chapter{}, fmt.Errorf("beginning of chapter %d is damaged: %w", number, eventlog.ErrCorrupt)
	}
	ch := chapter{number: number, starts: make([]event.Offset, partitions)}
	for p := range ch.starts {
		ch.starts[p] = event.Offset(binary.LittleEndian.Uint64(b[8*p:]))
	}
	return ch, nil
}

// beginChapter writes the beginning of a chapter into the commit.
func (w *committer) beginChapter(l *Log, c *commit) {
	ch := chapter{number: w.chapter + 1, starts: slices.Clone(w.next)}
	mustFinish(c.batch.Set(chapterKey(ch.number), encodeChapter(ch), nil))
	w.chapter, w.chapterBytes = ch.number, 0
	// What it says holds for readers too: none of its records is durable yet.
	l.chapters.add(ch)
}

// recoverChapters finds the beginning of every chapter: it is the last key of its chapter.
func (l *Log) recoverChapters() error {
	if err := l.recoverFirstFormat(); err != nil {
		return err
	}
	lower, upper := []byte{kindChunk}, []byte{kindChunk + 1}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return asCorrupt(err)
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.SeekGE(chunkKey(l.writer.chapter+1, 0, 0)) {
		number, err := chapterOf(it.Key())
		if err != nil {
			return fmt.Errorf("%w: %w", eventlog.ErrCorrupt, err)
		}
		if !it.SeekGE(chapterKey(number)) || string(it.Key()) != string(chapterKey(number)) {
			return fmt.Errorf("chapter %d has no beginning: %w", number, eventlog.ErrCorrupt)
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return asCorrupt(err)
		}
		ch, err := decodeChapter(number, l.cfg.Partitions, value)
		if err != nil {
			return err
		}
		if n := len(l.chapters.all); n > 0 && !follows(l.chapters.all[n-1], ch) {
			return fmt.Errorf("chapter %d begins before the one before it: %w", number, eventlog.ErrCorrupt)
		}
		l.chapters.add(ch)
		l.writer.chapter = number
	}
	return asCorrupt(it.Error())
}

func follows(a, b chapter) bool {
	for p := range a.starts {
		if b.starts[p] < a.starts[p] {
			return false
		}
	}
	return true
}

// recoverFirstFormat makes a chapter of what a log has from format version 1.
func (l *Log) recoverFirstFormat() error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindChunk1}, UpperBound: []byte{kindChunk1 + 1}})
	if err != nil {
		return asCorrupt(err)
	}
	defer func() { _ = it.Close() }()
	if it.First() {
		l.chapters.add(chapter{number: firstChapter - 1, starts: make([]event.Offset, l.cfg.Partitions)})
	}
	return asCorrupt(it.Error())
}
