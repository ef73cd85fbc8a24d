// Compaction: how many segments stay, and what merging drops.
package duckstore

import (
	"context"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// TestCompactKeepsFewSegments plays a week of checkpoints, one a minute, on
// segments that have no files.
func TestCompactKeepsFewSegments(t *testing.T) {
	var segs []store.Segment
	var id uint64
	rewritten, most := int64(0), 0
	const checkpoints = 7 * 24 * 60
	for i := range checkpoints {
		id++
		segs = append(segs, store.Segment{ID: id, Table: store.YoungEvents, Bytes: 1000, Rows: 1, MinTime: event.Time(i)})
		for group := pickMerge(segs, store.YoungEvents); group != nil; group = pickMerge(segs, store.YoungEvents) {
			id++
			merged := store.Segment{ID: id, Table: store.YoungEvents, Level: group[0].Level + 1, MinTime: group[0].MinTime}
			var removed []uint64
			for _, seg := range group {
				merged.Rows += seg.Rows
				merged.Bytes += seg.Bytes
				removed = append(removed, seg.ID)
			}
			rewritten += merged.Rows
			segs = apply(store.Manifest{Segments: segs}, &store.Change{Added: []store.Segment{merged}, Removed: removed}).Segments
		}
		most = max(most, len(segs))
	}
	if most > 30 {
		t.Errorf("there were %d segments at once, want at most 30", most)
	}
	if rewritten > 5*checkpoints {
		t.Errorf("%d rows were rewritten %d times", checkpoints, rewritten)
	}
}

// TestMergesOfRevisionsAreBoundedByRows: what compresses well is bounded by what it takes in memory.
func TestMergesOfRevisionsAreBoundedByRows(t *testing.T) {
	level := func(table store.Table, level int, rows int64) (segs []store.Segment) {
		for i := range fanIn {
			segs = append(segs, store.Segment{ID: uint64(level*100 + i), Table: table, Level: level, Rows: rows, Bytes: 1000})
		}
		return segs
	}
	for _, c := range []struct {
		what  string
		table store.Table
		segs  []store.Segment
		want  int // level that is merged, -1: none
	}{
		{"few rows", store.YoungSessions, level(store.YoungSessions, 0, maxRevisions/fanIn), 0},
		{"too many", store.YoungSessions, level(store.YoungSessions, 0, maxRevisions/fanIn+1), -1},
		{"too many, and few above", store.YoungSessions,
			append(level(store.YoungSessions, 0, maxRevisions), level(store.YoungSessions, 1, 10)...), 1},
		{"events are narrower", store.YoungEvents, level(store.YoungEvents, 0, maxRevisions), 0},
	} {
		group, got := pickMerge(c.segs, c.table), -1
		if len(group) > 0 {
			got = group[0].Level
		}
		if got != c.want {
			t.Errorf("%s: level %d is merged, want %d", c.what, got, c.want)
		}
	}
}

func TestCompactDropsDeadRevisionsAndKeepsEvents(t *testing.T) {
	dir, m := crashBase(t)
	s := openTest(t, dir, m)
	c, err := s.Compact(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	got := map[store.Table]int64{}
	for _, seg := range c.Added {
		got[seg.Table] = seg.Rows
	}
	// Eight of nine batches: two events each; one session of each batch, and the shared one once.
	want := map[store.Table]int64{store.YoungEvents: 16, store.YoungSessions: 9, store.YoungAliases: 8}
	for table, rows := range want {
		if got[table] != rows {
			t.Errorf("%s: got %d rows, want %d", table, got[table], rows)
		}
	}
	if next, err := s.Compact(context.Background(), apply(m, c)); err != nil || next != nil {
		t.Errorf("a second compaction: %+v, %v, want nothing to do", next, err)
	}
}

func TestMergedFilesAreDeletedOnceNoSnapshotNeedsThem(t *testing.T) {
	dir, m := crashBase(t)
	s := openTest(t, dir, m)
	held, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Compact(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	after := apply(m, c)
	if err := s.Install(context.Background(), after); err != nil {
		t.Fatal(err)
	}
	if got, want := countFiles(t, dir), len(m.Segments)+len(c.Added); got != want {
		t.Errorf("while held: %d files, want %d", got, want)
	}
	held.Release()
	unnamed(t, dir, after)
}
