// Retention on an adapter: rows of days go, what their cells tell stays, and a plan that
// needs the rows is an error (T11).
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// dropRows drops rows of p before `until`, a midnight of z, and tells whether
// there was anything to do.
func (w *world) dropRows(p event.PropertyID, until event.Time, z localZone) bool {
	w.t.Helper()
	from, _ := w.manifest.RowsFrom(p)
	span := store.RollupSpan{Property: p, From: max(from, firstDay-2*dayMicros), To: until, Zone: z.steps}
	c, err := w.store.DropRows(context.Background(), w.manifest, []store.RollupSpan{span})
	if err != nil {
		w.t.Fatalf("drop rows: %v", err)
	}
	m := applied(w.manifest, c)
	m.Rollups = maps.Clone(m.Rollups)
	m.WithoutRows(p, until, z.name)
	w.install(m)
	return c != nil
}

// mustBeGone fails unless p is answered by a *GoneError that says from when on there are rows.
func mustBeGone(t testing.TB, err error, from event.Time, p *store.Plan) {
	t.Helper()
	var gone *store.GoneError
	if !errors.As(err, &gone) || gone.RowsFrom != from || gone.Property != p.Property {
		t.Fatalf("plan %+v: got %v, want that rows before %v are gone", p, err, from)
	}
}

func (w *world) rowsFrom(p event.PropertyID) (event.Time, bool) { return w.manifest.RowsFrom(p) }

func testDroppedRowsLeaveTheirCells(t *testing.T, open Opener) {
	w := newWorld(t, open)
	days := droppedRowsLeaveTheirCells(t, w)
	archive, err := w.store.Archive(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if from, gone := archive.RowsFrom(); !gone || from != days[2] {
		t.Errorf("the archive has rows from %v, %v", from, gone)
	}
	archive.Release()
	if _, err := w.store.DropRows(context.Background(), w.manifest, []store.RollupSpan{{Property: 1, To: days[5]}}); err == nil {
		t.Error("young rows were dropped")
	}
}

// droppedRowsLeaveTheirCells drops two of four days, and returns the local days.
func droppedRowsLeaveTheirCells(t *testing.T, w upkept) []event.Time {
	zone := localZone{name: "East", steps: store.Zone{{At: 0, Offset: 2 * int64(hourMicros)}}}
	days := slices.DeleteFunc(zone.midnights(), func(d event.Time) bool { return d < firstDay })
	for i := range 4 {
		w.append(person(event.RowID(100*(i+1)), fmt.Sprint("c", i), "user", days[i]+hourMicros))
		w.checkpoint()
	}
	lasting := person(1000, "lasting", "", days[2]-1) // over the midnight at which rows begin
	other := person(2000, "other", "", days[0])
	for i := range other.Events {
		other.Events[i].Property = 2
	}
	other.Sessions[0].Property = 2
	w.append(lasting)
	w.append(other)
	w.checkpoint()
	w.finalize(map[event.PropertyID]event.Time{1: days[4], 2: days[4]})
	w.rollUp(1, days[0], days[4], zone.name, zone.steps)
	paths := func(r store.Relation, from event.Time) *store.Plan {
		p := byPath(r)
		p.From, p.To, p.Zone, p.ZoneName = from, days[4], zone.steps, zone.name
		return p
	}
	events, sessions := paths(store.Events, days[0]), paths(store.Sessions, days[0])
	bySession := paths(store.EventSessions, days[2])
	bySession.Aggregates = append(bySession.Aggregates, store.Aggregate{Op: store.Sum, Column: store.ColSessionViews})
	sn := w.snapshot()
	held := mustRun(t, sn, events)
	want := map[*store.Plan]string{events: held, sessions: mustRun(t, sn, sessions), bySession: mustRun(t, sn, bySession)}

	if !w.dropRows(1, days[2], zone) {
		t.Fatal("there was nothing to drop")
	}
	if got := mustRun(t, sn, events); got != held {
		t.Errorf("a snapshot of before: got\n%swant\n%s", got, held)
	}
	sn.Release()
	w.reopen()
	for w.compact() {
	}
	sn = w.snapshot()
	for p, want := range want {
		if got := mustRun(t, sn, p); got != want {
			t.Errorf("relation %d: got\n%swant\n%s", p.Relation, got, want)
		}
	}
	for name, ask := range map[string]func(*store.Plan){
		"a column of no rollup":  func(p *store.Plan) { p.Dimensions = []store.Dimension{{Column: store.ColUserID}} },
		"exact users":            func(p *store.Plan) { p.Aggregates = []store.Aggregate{{Op: store.DistinctUsers}} },
		"machines too":           func(p *store.Plan) { p.AllVerdicts = true },
		"part of the first day":  func(p *store.Plan) { p.From += hourMicros },
		"sessions of the events": func(p *store.Plan) { p.Relation = store.EventSessions },
		"a day that ends early":  func(p *store.Plan) { p.To = days[1] - hourMicros },
	} {
		p := paths(store.Events, days[0])
		ask(p)
		_, err := sn.Run(context.Background(), p)
		t.Log(name)
		mustBeGone(t, err, days[2], p)
	}
	for name, ask := range map[string]func(*store.Plan){
		"a day with rows":    func(p *store.Plan) { p.From = days[2] },
		"another property":   func(p *store.Plan) { p.Property = 2 },
		"no time whatever":   func(p *store.Plan) { p.To = p.From },
		"part of a kept day": func(p *store.Plan) { p.From = days[2] + hourMicros },
	} {
		p := paths(store.Events, days[0])
		p.Dimensions = []store.Dimension{{Column: store.ColUserID}}
		ask(p)
		if _, err := sn.Run(context.Background(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if clients, err := sn.ClientsOf(context.Background(), 1, "user"); err != nil || !slices.Equal(clients, []string{"c2", "c3"}) {
		t.Errorf("clients that rows still name: %v, %v", clients, err)
	}
	sn.Release()
	if w.dropRows(1, days[2], zone) {
		t.Error("rows were dropped twice")
	}
	return days
}

const (
	droppedHistories = 6
	droppedPlans     = 30
)

// testDropsInAnyHistory asks before and after drops, and after a change of zone, and
// compares with rows that were never dropped, or with the reference.
func testDropsInAnyHistory(t *testing.T, open Opener) {
	n, answered := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > droppedHistories && !t.Failed() {
			return
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) { answered += playDrops(t, rt, open) })
		if t.Failed() {
			rt.Fatalf("history %d", n)
		}
	})
	t.Logf("%d of %d plans over days without rows were answered", answered, 2*droppedHistories*droppedPlans)
}

func playDrops(t *testing.T, rt *rapid.T, open Opener) (answered int) {
	disk := NewDisk()
	worlds := []*world{newWorld(t, open), newWorld(t, func(_ testing.TB, _ string, m store.Manifest) (store.Store, error) {
		return OpenMem(disk, m)
	})}
	zone, all := drawZone(rt), tableRows{}
	h := &history{t: rt, row: 1000, day: firstDay}
	for range 4 {
		for range rapid.IntRange(2, 5).Draw(rt, "batches") {
			b := h.batch()
			for _, w := range worlds {
				w.append(b)
			}
			all.events = append(all.events, b.Events...)
			all.sessions = append(all.sessions, b.Sessions...)
			all.aliases = append(all.aliases, b.Aliases...)
		}
		h.day += dayMicros
		h.open = nil
		for _, w := range worlds {
			w.checkpoint()
		}
	}
	final := h.day - dayMicros
	for _, w := range worlds {
		w.finalize(map[event.PropertyID]event.Time{1: final, 2: final})
	}
	drop := func(z localZone) event.Time {
		from, gone := worlds[0].manifest.RowsFrom(1)
		days := slices.DeleteFunc(z.midnights(), func(d event.Time) bool { return d > final || (gone && d <= from) })
		if len(days) == 0 {
			return from
		}
		until := days[rapid.IntRange(0, len(days)-1).Draw(rt, "drop until")]
		for _, w := range worlds {
			w.dropRows(1, until, z)
			w.compact()
		}
		return until
	}
	rollUp := func(z localZone) {
		from, gone := worlds[0].manifest.RowsFrom(1)
		days := slices.DeleteFunc(z.midnights(), func(d event.Time) bool { return d > final })
		if !gone {
			from = days[0]
		}
		for _, w := range worlds {
			w.forget(1, from, forever) // cells of another zone
			if from < days[len(days)-1] {
				w.rollUp(1, from, days[len(days)-1], z.name, z.steps)
			}
		}
	}
	ask := func(z localZone, from event.Time, reference func(*store.Plan) (*store.Rows, error)) {
		for range droppedPlans {
			p := drawRolledPlan(rt, z)
			rows, err := worlds[0].run(p)
			if check := worlds[0].manifest.CheckRows(p); check != nil {
				mustBeGone(t, err, from, p)
				continue
			}
			if p.Property == 1 && p.From < from {
				answered++
			}
			want, wantErr := reference(p)
			comparePlan(t, p, rows, err, want, wantErr)
		}
	}
	rollUp(zone)
	drop(zone)
	from := drop(zone)
	ask(zone, from, func(p *store.Plan) (*store.Rows, error) {
		return evaluate(p, resolve([]part{{rows: all}}, store.Manifest{}, p.Property))
	})
	// From here on old days are of one zone and young ones of another.
	other := drawZone(rt)
	other.name = "There"
	rollUp(other)
	ask(other, from, worlds[1].run)
	from = drop(other)
	ask(other, from, worlds[1].run)
	whole := &store.Plan{Property: 1, From: other.midnights()[0], To: forever, Zone: other.steps, ZoneName: other.name,
		Aggregates: []store.Aggregate{{Op: store.Count}}}
	got, err := worlds[0].run(whole)
	want, wantErr := evaluate(whole, resolve([]part{{rows: all}}, store.Manifest{}, 1))
	comparePlan(t, whole, got, err, want, wantErr)
	return answered
}

// testDaysAddUpAfterAChangeOfZone: each event counts in exactly one local day, also where
// clocks differ by a whole day.
func testDaysAddUpAfterAChangeOfZone(t *testing.T, open Opener) {
	daysAddUpAfterAChangeOfZone(t, func() upkept { return newWorld(t, open) })
}

func daysAddUpAfterAChangeOfZone(t *testing.T, begin func() upkept) {
	const minute = 60_000_000
	for _, offsets := range [][2]int64{{840, -600}, {-600, 840}, {0, 330}, {60, -600}} {
		w := begin()
		events := 0
		for at := firstDay; at < firstDay+4*dayMicros; at += hourMicros {
			events += 2 // one of each person's is after the hour
			w.append(person(event.RowID(100+10*events), fmt.Sprint("c", events), "", at))
		}
		w.checkpoint()
		was := localZone{name: "Was", steps: store.Zone{{Offset: offsets[0] * minute}}}
		is := localZone{name: "Is", steps: store.Zone{{Offset: offsets[1] * minute}}}
		final := firstDay + 4*dayMicros
		w.finalize(map[event.PropertyID]event.Time{1: final})
		days := slices.DeleteFunc(was.midnights(), func(d event.Time) bool { return d > final })
		w.rollUp(1, days[0], days[len(days)-1], was.name, was.steps)
		w.dropRows(1, days[len(days)-3], was)
		from, _ := w.rowsFrom(1)
		for _, then := range []string{"nothing", "cells of the new zone", "rows of a day of the new zone gone"} {
			days := slices.DeleteFunc(is.midnights(), func(d event.Time) bool { return d > final })
			switch {
			case then == "nothing":
				w.forget(1, from, final)
			case from >= days[len(days)-1]:
				continue
			case then == "cells of the new zone":
				w.rollUp(1, from, days[len(days)-1], is.name, is.steps)
			default: // and of the cells of the old zone nothing comes back
				w.dropRows(1, days[len(days)-1], is)
			}
			sum := int64(0)
			all := is.midnights()
			for i := range len(all) - 1 {
				rows, err := w.run(&store.Plan{Property: 1, From: all[i], To: all[i+1], Zone: is.steps, ZoneName: is.name,
					Aggregates: []store.Aggregate{{Op: store.Count}}, Filter: &store.Predicate{Leaf: &store.Leaf{
						Dimension: store.Dimension{Column: store.ColName}, Values: []string{"page_view"}}}})
				if err != nil {
					t.Fatal(err)
				}
				sum += rows.Aggregates[0][0]
			}
			if sum != int64(events) {
				t.Errorf("offsets %v, then %s: days add up to %d events, want %d", offsets, then, sum, events)
			}
		}
	}
}
