// S30, T11: rows of dropped days are in no file of the store, young leftovers of
// finalized days included; cells of these days are, and hold nobody's name.
package duckstore

import (
	"context"
	"fmt"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestDroppedRowsAreInNoFileS30(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	const day = event.Time(20_000 * dayMicros)
	var m store.Manifest
	install := func(c *store.Change, err error, heads ...store.Head) {
		t.Helper()
		if err != nil || c == nil {
			t.Fatalf("change %v: %v", c, err)
		}
		m.Segments = c.Apply(m.Segments)
		if err := s.Install(ctx, m, heads...); err != nil {
			t.Fatal(err)
		}
	}
	b := &store.Batch{}
	visit := func(p event.PropertyID, client event.RowID, who string, at, end event.Time) {
		b.Events = append(b.Events, store.EventRow{Property: p, Row: client, Part: client, Client: client, UserID: "user-" + who,
			EventTime: at, Name: "page_view", Path: "/page", Title: "Title", Query: "q-of-" + who, Params: `{"p":"param-of-` + who + `"}`, Active: true})
		b.Sessions = append(b.Sessions, store.SessionRow{Property: p, Session: client, Revision: 1, Counted: true, Client: client,
			ClientID: "client-" + who, Start: at, End: end, LandingPath: "/page"})
	}
	visit(1, 1, "anna", day, day+1)
	visit(1, 2, "berta", day+dayMicros, day+dayMicros)
	visit(2, 3, "carla", day, day) // not final: it holds the young segments
	visit(1, 4, "dora", day+dayMicros-1, day+dayMicros)
	// A session of which a revision was longer, then its tombstone.
	b.Sessions = append(b.Sessions, store.SessionRow{Property: 1, Session: 5, Revision: 1, Counted: true, Client: 1, ClientID: "client-anna", Start: day, End: day + 2})
	// One that went on, over the day that drops and the one that is not final.
	visit(1, 6, "eve", day+dayMicros-2, day+dayMicros-1)
	if err := s.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	checkpoint := func() {
		t.Helper()
		h, err := s.Seal(ctx)
		if err != nil {
			t.Fatal(err)
		}
		segs, err := s.WriteSegments(ctx, h)
		install(&store.Change{Added: segs}, err, h)
	}
	checkpoint()
	tombstone := store.SessionRow{Property: 1, Session: 5, Revision: 2, Tombstone: true, ClientID: "client-anna", Client: 1}
	b = &store.Batch{}
	visit(1, 6, "eve", day+dayMicros-2, day+2*dayMicros)
	b.Events[0].Row, b.Events[0].EventTime, b.Sessions[0].Revision = 7, day+2*dayMicros, 2
	b.Sessions = append(b.Sessions, tombstone)
	if err := s.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	checkpoint()
	until := map[event.PropertyID]event.Time{1: day + 2*dayMicros}
	change, err := s.Finalize(ctx, m, until)
	m.FinalUntil = until
	install(change, err)
	span := store.RollupSpan{Property: 1, From: day, To: day + 2*dayMicros}
	change, err = s.RollUp(ctx, m, []store.RollupSpan{span})
	m.Rollups = map[event.PropertyID][]store.RollupRange{1: {{From: day, To: span.To, Zone: "UTC"}}}
	install(change, err)
	if n := filesHolding(t, s, "anna"); n < 5 { // young and final events and sessions, the tombstone
		t.Fatalf("%d files hold the client before: the test proves too little", n)
	}
	others := map[string]int{}
	for _, who := range []string{"berta", "carla"} {
		others[who] = filesHolding(t, s, who)
	}
	span.To = day + dayMicros
	change, err = s.DropRows(ctx, m, []store.RollupSpan{span})
	m.WithoutRows(1, span.To, "UTC")
	install(change, err)
	if n := filesHolding(t, s, "anna"); n != 0 {
		t.Errorf("%d files hold a client whose rows were dropped", n)
	}
	for who, n := range others {
		if got := filesHolding(t, s, who); got != n {
			t.Errorf("%d files hold %s, before %d", got, who, n)
		}
	}
	// Her last event was dropped, but her session lasts into a day that has rows.
	if n, titles := filesHolding(t, s, "client-dora"), filesHolding(t, s, "param-of-dora"); n == 0 || titles != 0 {
		t.Errorf("%d files hold a session that lasts into a day with rows, %d its event of before", n, titles)
	}
	if n := filesHolding(t, s, "/page"); n == 0 {
		t.Error("no file holds a cell")
	}
	sn, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	rows, err := sn.Run(ctx, &store.Plan{Property: 1, From: day, To: day + 2*dayMicros, ZoneName: "UTC", Users: store.SketchedUsers,
		Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}}})
	if err != nil || fmt.Sprint(rows.Aggregates) != "[[4 4]]" {
		t.Errorf("events and users: %v, %v, want four of each", rows, err)
	}
	rows, err = sn.Run(ctx, &store.Plan{Property: 1, From: day + 2*dayMicros, To: day + 3*dayMicros,
		Dimensions: []store.Dimension{{Column: store.ColLandingPath}}, Aggregates: []store.Aggregate{{Op: store.Count}}})
	if err != nil || fmt.Sprint(rows.Dimensions, rows.Aggregates) != "[[/page]] [[1]]" {
		t.Errorf("a young event and its session: %v, %v", rows, err)
	}
}

func TestNothingIsDroppedThatIsNotFinalOrNoWholeDayS30(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	const day = event.Time(20_000 * dayMicros)
	m := store.Manifest{FinalUntil: map[event.PropertyID]event.Time{1: day}}
	for name, span := range map[string]store.RollupSpan{
		"young":            {Property: 1, To: day + dayMicros},
		"of no final day":  {Property: 2, To: day},
		"within a day":     {Property: 1, To: day - hourMicros},
		"midnight of else": {Property: 1, To: day, Zone: store.Zone{{Offset: int64(hourMicros)}}},
	} {
		if _, err := s.DropRows(context.Background(), m, []store.RollupSpan{span}); err == nil {
			t.Errorf("%s: rows were dropped", name)
		}
	}
	if c, err := s.DropRows(context.Background(), m, []store.RollupSpan{{Property: 1, To: day}}); c != nil || err != nil {
		t.Errorf("nothing to drop: %v, %v", c, err)
	}
}
