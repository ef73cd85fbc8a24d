// Heads that cannot be made leave neither tables nor a connection behind.
package duckstore

import (
	"context"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestAFailedHeadLeavesNothingBehind(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	if err := s.reader.exec(ctx, "CREATE TABLE "+headTable(store.YoungAliases, 77)+" (x INTEGER)"); err != nil {
		t.Fatal(err)
	}
	before := len(s.reader.idle)
	if _, err := s.newHead(77); err == nil {
		t.Fatal("a head was made although one of its tables was there")
	}
	if got := len(s.reader.idle); got != before {
		t.Errorf("%d idle connections, there were %d: the head keeps one", got, before)
	}
	for _, table := range []store.Table{store.YoungEvents, store.YoungSessions} {
		if err := s.reader.exec(ctx, "SELECT * FROM "+headTable(table, 77)); err == nil {
			t.Errorf("table %s of the failed head is still there", table)
		}
	}
}

// After a failed append rows go into new tables; what is sealed then is one head.
func TestSpoiledHeadsAreSealedWrittenAndDroppedAsOne(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	const batches = 3
	for i := range batches {
		b := &store.Batch{Events: []store.EventRow{{Property: 1, Row: event.RowID(i + 1), EventTime: 5}},
			Sessions: []store.SessionRow{{Property: 1, Session: 9, Revision: uint64(i + 1), Counted: true, Views: int64(i)}}}
		if err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		s.heads[len(s.heads)-1].spoiled = true
	}
	if len(s.heads) != batches {
		t.Fatalf("%d heads, want %d", len(s.heads), batches)
	}
	counts := func(when string) {
		t.Helper()
		sn, err := s.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer sn.Release()
		rows, err := sn.Run(ctx, &store.Plan{Property: 1, To: 10, Aggregates: []store.Aggregate{{Op: store.Count}}})
		if err != nil || rows.Aggregates[0][0] != batches {
			t.Errorf("%s: %v, %v, want %d events", when, rows, err, batches)
		}
	}
	counts("in heads")
	id, err := s.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	segs, err := s.WriteSegments(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(segs) != 2 || segs[0].Rows != batches || segs[1].Rows != 1 {
		t.Errorf("segments are %+v, want one of all events and one of the latest revision", segs)
	}
	if err := s.Install(ctx, store.Manifest{Segments: segs}, id); err != nil {
		t.Fatal(err)
	}
	if len(s.heads) != 1 {
		t.Errorf("%d heads are left, want the open one", len(s.heads))
	}
	counts("in segments")
	if err := s.reader.exec(ctx, "SELECT * FROM "+headTable(store.YoungEvents, 1)); err == nil {
		t.Error("the tables of a spoiled head are still there")
	}
}
