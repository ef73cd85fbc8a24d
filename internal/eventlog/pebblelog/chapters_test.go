// Chapters: what was truncated leaves the database, not before the truncation is durable.
package pebblelog

import (
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// appendChapters appends until there are n chapters, to all partitions.
func appendChapters(t *testing.T, l *Log, n int) {
	t.Helper()
	for i := 0; ; i++ {
		l.chapters.mu.RLock()
		some := len(l.chapters.all)
		l.chapters.mu.RUnlock()
		if some >= n {
			return
		}
		b := &eventlog.Batch{}
		for p := range event.Partition(testConfig().Partitions) {
			b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: payloadOf(i, p, 0, 20_000)})
		}
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChaptersGoOnlyOnceTheirTruncationIsDurable(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	armed := make(chan bool, 1)
	armed <- false
	fs := crashable{errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
		if sync && filepath.Base(filepath.Dir(op.Path)) == walDirName {
			now := <-armed
			armed <- now
			if now {
				held <- struct{}{}
				<-hold
			}
		}
		return nil
	}))}
	l := mustOpen(t, testConfig(), fs, plantNothing)
	defer func() { _ = l.Close() }()
	appendChapters(t, l, 4)
	last := event.Partition(testConfig().Partitions - 1)
	for p := range last {
		if err := l.Truncate(t.Context(), p, l.End(p)); err != nil {
			t.Fatal(err)
		}
	}
	<-armed
	armed <- true
	done := make(chan error, 1)
	go func() { done <- l.Truncate(t.Context(), last, l.End(last)) }()
	select {
	case <-held: // the commit is in the database and not yet on disk
	case err := <-done:
		t.Fatalf("the truncation ended without a sync: %v", err)
	}
	if start, durable := l.Start(last), l.durableStart(last); start == 0 || durable != 0 {
		t.Errorf("partition %d starts at %d, durably at %d: want the second to be 0 alone", last, start, durable)
	}
	l.reclaimer.wake()
	if l.reclaimer.running.Load() {
		t.Error("chapters are taken out whose truncation a power cut can take back")
	}
	<-armed
	armed <- false
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	await(t, "chapters that no partition needs are still there", func() bool {
		it, err := l.db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = it.Close() }()
		if !it.SeekGE([]byte{kindChunk}) {
			return false
		}
		first, err := chapterOf(it.Key())
		return err == nil && first > 1
	})
}

// TestChapterIsFoundByOffset asks for every offset of a partition whose chapters have many, few and
// no records.
func TestChapterIsFoundByOffset(t *testing.T) {
	c := &chapters{all: []chapter{
		{3, []event.Offset{5, 0}}, {4, []event.Offset{9, 0}}, {5, []event.Offset{9, 0}}, {6, []event.Offset{10, 7}},
	}}
	for at, want := range map[event.Offset]uint32{4: 0, 5: 3, 8: 3, 9: 5, 10: 6, 100: 6} {
		number, end, ok := c.find(0, at)
		if number != want || ok != (want != 0) || (ok && at >= end) {
			t.Errorf("offset %d is in chapter %d up to %d, %v; want chapter %d", at, number, end, ok, want)
		}
	}
	for starts, want := range map[[2]event.Offset]uint32{
		{5, 0}: 0, {9, 0}: 5, {10, 6}: 5, {10, 7}: 6, {50, 50}: 6,
	} {
		from, to, ok := c.behind(func(p event.Partition) event.Offset { return starts[p] })
		if ok != (want != 0) || (ok && (from != 3 || to != want)) {
			t.Errorf("starts %v: chapters %d up to before %d go, %v; want up to before %d", starts, from, to, ok, want)
		}
	}
}
