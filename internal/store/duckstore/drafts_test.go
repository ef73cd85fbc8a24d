// Drafts: made when young days are slow to read, right whatever comes after, gone when they must be.
package duckstore

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const draftDay = event.Time(20_000 * dayMicros)

// draftVisit is a page view of a client of its own session, at an hour of the day.
func draftVisit(client, hour int) *store.Batch {
	id, at := event.RowID(client), draftDay+event.Time(hour)*hourMicros+event.Time(client)
	return &store.Batch{
		Events: []store.EventRow{{Property: 1, Row: event.RowID(1000*hour + client), Part: id, Client: id, EventTime: at, Name: "page_view",
			Path: fmt.Sprint("/", client%5), PageView: true, Active: true, UserID: "erin"}},
		Sessions: []store.SessionRow{{Property: 1, Session: id, Revision: uint64(hour + 1), Counted: true, Client: id, ClientID: fmt.Sprint("c", client),
			Start: draftDay, End: at, Source: fmt.Sprint("s", client%3)}},
	}
}

// draftPlan asks for events and users by the source of their session.
func draftPlan() *store.Plan {
	return &store.Plan{Property: 1, From: draftDay, To: draftDay + dayMicros, Zone: store.Zone{{}}, ZoneName: "UTC", Users: store.SketchedUsers,
		Dimensions: []store.Dimension{{Column: store.ColSource}},
		Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}}}
}

type draftTest struct {
	*testing.T
	s *Store
	m store.Manifest
}

func newDraftTest(t *testing.T, after time.Duration) *draftTest {
	s, err := Open(Config{Dir: t.TempDir(), DraftAfter: after, AnswerMemory: 1}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	d := &draftTest{T: t, s: s}
	t.Cleanup(func() { d.must(s.Close()) })
	return d
}

func (t *draftTest) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t *draftTest) append(b *store.Batch) { t.Helper(); t.must(t.s.Append(t.Context(), b)) }

func (t *draftTest) checkpoint() {
	t.Helper()
	h, err := t.s.Seal(t.Context())
	t.must(err)
	segs, err := t.s.WriteSegments(t.Context(), h)
	t.must(err)
	t.m.Segments = append(t.m.Segments, segs...)
	t.must(t.s.Install(t.Context(), t.m, h))
}

// ask runs the plan and tells of how many touched clients a draft knew; -1: rows answered.
func (t *draftTest) ask(p *store.Plan) (*store.Rows, int) {
	t.Helper()
	touched := -1
	t.s.drafts.answered = func(n int) { touched = n }
	sn, err := t.s.Snapshot(t.Context())
	t.must(err)
	defer sn.Release()
	rows, err := sn.Run(t.Context(), p)
	t.must(err)
	return rows, touched
}

// sums are numbers by dimension.
func sums(r *store.Rows) map[string][]int64 {
	out := map[string][]int64{}
	for i, d := range r.Dimensions {
		out[d[0]] = r.Aggregates[i]
	}
	return out
}

// awaitDraft waits until the draft that is being made is ready.
func (t *draftTest) awaitDraft() {
	t.Helper()
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		t.s.mu.Lock()
		d := t.s.drafts.of[1]
		ready := d != nil && d.ready
		t.s.mu.Unlock()
		if ready {
			return
		}
		t.must(t.Context().Err())
	}
}

func TestSlowYoungDaysGetADraftThatStaysRight(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	for c := 1; c <= 30; c++ {
		d.append(draftVisit(c, 1))
	}
	d.checkpoint()
	d.append(draftVisit(31, 2)) // in no segment
	if _, touched := d.ask(draftPlan()); touched != -1 {
		t.Errorf("the first answer came from a draft")
	}
	d.awaitDraft()
	want := map[string][]int64{"s0": {10, 10}, "s1": {11, 11}, "s2": {10, 10}}
	rows, touched := d.ask(draftPlan())
	if diff := cmp.Diff(want, sums(rows)); diff != "" || touched != 1 {
		t.Errorf("with a draft, %d clients put right:\n%s", touched, diff)
	}
	again := draftVisit(1, 3) // client 1 comes back, and its session is from elsewhere
	again.Sessions[0].Source = "s9"
	d.append(again)
	want["s1"], want["s9"] = []int64{10, 10}, []int64{2, 1}
	rows, touched = d.ask(draftPlan())
	if diff := cmp.Diff(want, sums(rows)); diff != "" || touched != 2 {
		t.Errorf("after more rows, %d clients put right:\n%s", touched, diff)
	}
	d.checkpoint()
	rows, touched = d.ask(draftPlan())
	if diff := cmp.Diff(want, sums(rows)); diff != "" || touched != 2 {
		t.Errorf("after a checkpoint, %d clients put right:\n%s", touched, diff)
	}
}

// Who has moved elsewhere since is not where the draft has him, alone or among others.
func TestDraftForgetsWhoHasMoved(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	visit := func(client, hour int, source string) {
		b := draftVisit(client, hour)
		b.Sessions[0].Source = source
		d.append(b)
	}
	for client, source := range []string{1: "alone", 2: "both", 3: "both"} {
		if source != "" {
			visit(client, 1, source)
			visit(client, 25, source) // the day after: two cells
		}
	}
	d.checkpoint()
	plan := draftPlan()
	plan.To += dayMicros
	d.ask(plan)
	d.awaitDraft()
	rows, touched := d.ask(plan)
	if diff := cmp.Diff(map[string][]int64{"alone": {2, 1}, "both": {4, 2}}, sums(rows)); diff != "" || touched != 0 {
		t.Errorf("before, %d clients put right:\n%s", touched, diff)
	}
	visit(1, 26, "new")
	visit(2, 26, "new")
	rows, _ = d.ask(plan)
	if diff := cmp.Diff(map[string][]int64{"both": {2, 1}, "new": {6, 2}}, sums(rows)); diff != "" {
		t.Errorf("after two have moved:\n%s", diff)
	}
	plan.Aggregates = plan.Aggregates[:1] // without users nobody needs to be counted from rows
	rows, touched = d.ask(plan)
	if diff := cmp.Diff(map[string][]int64{"both": {2}, "new": {6}}, sums(rows)); diff != "" || touched != 2 {
		t.Errorf("events after two have moved, %d clients put right:\n%s", touched, diff)
	}
}

func TestDraftIsNotUsedWhereItCouldBeWrong(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	d.append(draftVisit(1, 1))
	old, err := d.s.Snapshot(t.Context())
	d.must(err)
	defer old.Release()
	d.append(draftVisit(2, 1))
	d.checkpoint()
	d.ask(draftPlan())
	d.awaitDraft()
	d.s.drafts.answered = func(int) { t.Error("a draft answered for a snapshot that is older") }
	rows, err := old.Run(t.Context(), draftPlan())
	d.must(err)
	if len(rows.Dimensions) != 1 {
		t.Errorf("the older snapshot sees %v", sums(rows))
	}
	other := draftPlan()
	other.ZoneName = "Elsewhere"
	if _, touched := d.ask(other); touched != -1 {
		t.Error("a draft answered for another zone")
	}
}

// Clients are noted as long as they can be put right in good time, and no longer: else a draft of a
// property that nobody asks for any more would remember every client there is.
func TestD8DraftForgetsClientsOnceTheyAreTooMany(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	d.append(draftVisit(1, 1))
	d.checkpoint()
	d.ask(draftPlan())
	d.awaitDraft()
	made := d.s.drafts.of[1]
	for c := range 2*fewTouched + 1 {
		if d.s.drafts.of[1] == nil {
			t.Fatalf("the draft was given up for %d clients", c)
		}
		d.append(draftVisit(c+10, 1))
	}
	files, err := filepath.Glob(filepath.Join(d.s.cfg.Dir, "final_events-*"))
	d.must(err)
	if d.s.drafts.of[1] != nil || made.touched != nil || len(files) > 0 {
		t.Errorf("the draft is still there: %d clients, files %v", len(made.touched), files)
	}
	if rows, touched := d.ask(draftPlan()); touched != -1 || len(rows.Dimensions) != 3 {
		t.Errorf("afterwards %v, from a draft with %d clients put right", sums(rows), touched)
	}
}

// A bound of users is 0 where there is nobody, also where all have gone elsewhere.
func TestDraftBoundsUsersByWhoIsThere(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	quiet := draftVisit(3, 1) // stays, and is not active
	quiet.Sessions[0].Source, quiet.Events[0].Active = "alone", false
	d.append(quiet)
	many := &store.Batch{} // cells, so that they are bounded and not counted
	for c := 10; c < fewCells+20; c++ {
		visit := draftVisit(c, 1)
		visit.Events[0].Row, visit.Sessions[0].Source = event.RowID(1_000_000+c), fmt.Sprint("of ", c)
		many.Events, many.Sessions = append(many.Events, visit.Events...), append(many.Sessions, visit.Sessions...)
	}
	d.append(many)
	active := draftVisit(1, 1)
	active.Sessions[0].Source = "alone"
	d.append(active)
	d.checkpoint()
	plan := draftPlan()
	plan.Users = store.BoundUsers
	plan.Aggregates[1].Where = store.ColActive
	d.ask(plan)
	d.awaitDraft()
	moved := draftVisit(1, 3)
	moved.Sessions[0].Source = "elsewhere"
	d.append(moved)
	rows, _ := d.ask(plan)
	if got := sums(rows); got["alone"][0] != 1 || got["alone"][1] != 0 || got["elsewhere"][1] < 1 || got["of 10"][1] < 1 {
		t.Errorf("bounds are %v alone, %v elsewhere: want 1 event and 0 active users, and no fewer than there are", got["alone"], got["elsewhere"])
	}
}

func TestErasedClientIsInNoDraftS30(t *testing.T) {
	d := newDraftTest(t, time.Nanosecond)
	d.append(draftVisit(1, 1))
	d.append(draftVisit(2, 1))
	d.checkpoint()
	d.ask(draftPlan())
	d.awaitDraft()
	erased, err := d.s.Erase(t.Context(), d.m, []store.Erasure{{Property: 1, ClientID: "c1", Before: 1 << 40}})
	d.must(err)
	if erased == nil {
		t.Fatal("nothing was erased")
	}
	mustHaveNoDraft := func(when string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(d.s.cfg.Dir, "final_events-*"))
		d.must(err)
		if len(files) > 0 || d.s.drafts.of[1] != nil {
			t.Errorf("%s there are %v, draft %v", when, files, d.s.drafts.of[1])
		}
	}
	mustHaveNoDraft("after the erasure")
	d.s.drafts.pause = map[event.PropertyID]time.Time{}
	d.ask(draftPlan()) // makes one before the rows have gone
	d.awaitDraft()
	d.m.Segments = erased.Apply(d.m.Segments)
	d.must(d.s.Install(context.Background(), d.m))
	mustHaveNoDraft("when the rows have gone")
	if rows, _ := d.ask(draftPlan()); len(rows.Dimensions) != 1 {
		t.Errorf("after the erasure there are %v", sums(rows))
	}
	if len(d.s.drafts.erasing) != 0 {
		t.Errorf("the store still waits for erasures %v", d.s.drafts.erasing)
	}
}
