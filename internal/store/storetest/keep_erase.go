// Erasure, and what a Manifest tells of upkeep (U7, U8).
package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// testKeptErasure erases somebody whose day is young, final, has cells, or has no rows any more.
func testKeptErasure(t *testing.T, kit SharedKit) {
	for steps, when := range []string{"young", "final", "with cells"} {
		t.Run(when, func(t *testing.T) {
			w := storyAt(t, kit, steps, when)
			held := w.snapshot()
			defer held.Release()
			was := mustRun(t, held, byPath(store.Events))
			if !strings.Contains(was, "/of/anna : 6") {
				t.Fatalf("before: %s", was)
			}
			if due, err := w.another(nil).Erasures(context.Background()); err != nil || !slices.Equal(due, storyErasures()) {
				t.Errorf("erasures to carry out: %v, %v", due, err)
			}
			touched, err := w.keeper.Erase(context.Background(), storyErasures(), 99, utc.around)
			if err != nil {
				t.Fatal(err)
			}
			at := firstDay + hourMicros
			if diff := cmp.Diff(map[event.PropertyID][2]event.Time{1: {at, at + 1}}, touched); diff != "" {
				t.Errorf("touched (-want +got):\n%s", diff)
			}
			w.erased(when)
			// A snapshot of before has lost her, or does not answer any more.
			if rows, err := held.Run(context.Background(), byPath(store.Events)); err == nil && print(rows, nil) != strings.Replace(was, "/of/anna : 6", "/of/anna : 3", 1) {
				t.Errorf("a snapshot of before: %s", print(rows, nil))
			}
			if clients, err := held.ClientsOf(context.Background(), 1, "user-of-anna"); err == nil && !slices.Equal(clients, []string{"anna"}) {
				t.Errorf("a snapshot of before knows clients %v", clients)
			}
			// The batch comes once more, from an owner that stood still.
			id := store.BatchID{Log: sharedLog, Partition: 3, Seq: 1}
			again := &store.SharedBatch{Batch: *person(100, "anna", "user-of-anna", at), Outcomes: map[event.PropertyID]ledger.Outcomes{1: {Stored: 2}}}
			for _, s := range []store.Shared{w.store, w.another(nil)} {
				if err := s.Insert(context.Background(), id, again); err != nil {
					t.Fatal(err)
				}
				w.publish(s, id)
			}
			w.erased("the batch was inserted again")
			if touched, err := w.keeper.Erase(context.Background(), storyErasures(), 100, utc.around); err != nil || len(touched) > 0 {
				t.Errorf("erased again: %v, %v", touched, err)
			}
			w.erased("erased again")
			w.compact()
			w.reopen()
			w.erased("another node")
			for _, left := range []func(context.Context) ([]store.Erasure, error){w.keeper.Erasures, w.store.Erasures} {
				if more, err := left(context.Background()); err != nil || len(more) > 0 {
					t.Errorf("erasures that are left: %v, %v", more, err)
				}
			}
			m := w.keeper.Manifest()
			var want []store.Restated
			if when != "young" {
				want = []store.Restated{{At: 99, From: firstDay, To: firstDay + dayMicros}}
			}
			if diff := cmp.Diff(want, m.Restated[1]); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
			for _, r := range m.Rollups[1] {
				if r.From < firstDay+dayMicros && firstDay < r.To {
					t.Errorf("the day still has cells: %+v", r)
				}
			}
			for i, r := range m.Finals[1] {
				if len(m.Finals[1]) != 1 || i > 0 || r.Edition < 2 {
					t.Errorf("runs of final days: %+v", m.Finals[1])
				}
			}
		})
	}
	t.Run("without rows", func(t *testing.T) {
		w := storyAt(t, kit, 2, "dropped")
		w.dropRows(1, firstDay+dayMicros, utc)
		before := w.tells()
		if _, err := w.keeper.Erase(context.Background(), storyErasures(), 99, utc.around); err != nil {
			t.Fatal(err)
		}
		w.mustTell("cells name nobody", before)
	})
}

// erased fails unless the first anna is gone from every answer, and the second is there.
func (w *sharedWorld) erased(when string) {
	w.t.Helper()
	for _, zone := range []localZone{utc, {name: "elsewhere", steps: store.Zone{{Offset: int64(hourMicros)}}}} {
		sn := w.snapshot()
		p := byPath(store.Events)
		p.From, p.To, p.Zone, p.ZoneName = firstDay, firstDay+5*dayMicros, zone.steps, zone.name
		p.Aggregates = append(p.Aggregates, store.Aggregate{Op: store.DistinctUsers})
		p.Users = store.SketchedUsers
		if got, want := mustRun(w.t, sn, p), "/of/anna : 3 1\n/of/berta : 3 1\n/of/carla : 3 1\n"; got != want {
			w.t.Errorf("%s, events in %s: got\n%swant\n%s", when, zone.name, got, want)
		}
		p.Relation, p.Aggregates = store.Sessions, p.Aggregates[:1]
		if got, want := mustRun(w.t, sn, p), "/of/anna : 1\n/of/berta : 1\n/of/carla : 1\n"; got != want {
			w.t.Errorf("%s, sessions in %s: got\n%swant\n%s", when, zone.name, got, want)
		}
		sn.Release()
	}
	o, err := w.store.Outcomes(context.Background(), 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if o.Stored != 6 || o.Erased != 2 {
		w.t.Errorf("%s: stored %d, erased %d, want 6 and 2", when, o.Stored, o.Erased)
	}
}

// testKeptErasureOfMany: in one step, of properties and partitions apart; names are hostile.
func testKeptErasureOfMany(t *testing.T, kit SharedKit) {
	const people = 300
	w := newKeptWorld(t, kit)
	of := map[event.Partition][]store.Erasure{}
	for part := range event.Partition(2) {
		b := &store.Batch{}
		for i := range people {
			p := person(event.RowID(part)*100_000+event.RowID(10*i+10), fmt.Sprintf(`'c\%d-%d`, part, i), "", firstDay+event.Time(i))
			b.Events, b.Sessions = append(b.Events, p.Events...), append(b.Sessions, p.Sessions...)
			of[part] = append(of[part], store.Erasure{Property: 1, ClientID: fmt.Sprintf(`'c\%d-%d`, part, i), Before: 1 << 40})
		}
		of[part] = append(of[part], store.Erasure{Property: 1, ClientID: "nobody", Before: 1 << 40}, store.Erasure{Property: 9, ClientID: "nobody", Before: 1 << 40})
		w.appendTo(part, b)
	}
	other := person(900_000, `'c\0-1`, "", firstDay)
	for i := range other.Events {
		other.Events[i].Property = 2
	}
	other.Sessions[0].Property = 2
	w.appendTo(0, other)
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + 100, 2: firstDay + dayMicros})
	var all []store.Erasure
	for part := range event.Partition(2) {
		id := w.batchID(part)
		if err := w.store.Insert(context.Background(), id, &store.SharedBatch{Erasures: of[part]}); err != nil {
			t.Fatal(err)
		}
		if got, err := w.keeper.Erasures(context.Background()); err != nil || len(got) != len(all) {
			t.Errorf("before it is published: %d erasures, %v", len(got), err)
		}
		w.publish(w.store, id)
		all = append(all, of[part]...)
	}
	got, err := w.keeper.Erasures(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("erasures (-want +got):\n%s", diff)
	}
	first := slices.Clone(got[:len(got)/3])
	for _, some := range [][]store.Erasure{nil, first, got[len(first):]} {
		if _, err := w.keeper.Erase(context.Background(), some, 1, utc.around); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[event.PropertyID]string{1: "", 2: "/of/'c\\0-1 : 3\n"} {
		plan := byPath(store.Events)
		plan.Property = p
		if got := print(w.run(plan)); got != want {
			t.Errorf("property %d: got %q, want %q", p, got, want)
		}
	}
	if left, err := w.keeper.Erasures(context.Background()); err != nil || len(left) > 0 {
		t.Errorf("left: %d, %v", len(left), err)
	}
	if o, err := w.store.Outcomes(context.Background(), 1); err != nil || o.Erased != 4*people || o.Stored != -4*people {
		t.Errorf("account: %+v, %v", o, err)
	}
}

// testKeptManifest: what one keeper committed, the next one finds.
func testKeptManifest(t *testing.T, kit SharedKit) {
	w := newKeptWorld(t, kit)
	w.begin()
	var versions []uint64
	for _, step := range keptStory() {
		if err := step.do(w.keeper); err != nil {
			t.Fatal(err)
		}
		m := w.keeper.Manifest()
		versions = append(versions, m.DayVersion[1])
		clear(m.FinalUntil) // it is the caller's
		clear(m.Rollups)
		was := w.keeper.Manifest()
		w.reopen()
		if diff := cmp.Diff(was, w.keeper.Manifest()); diff != "" {
			t.Errorf("%s: the next keeper finds (-was +is):\n%s", step.name, diff)
		}
	}
	if versions[0] == 0 || versions[2] <= versions[1] {
		t.Errorf("versions of days after each step: %v", versions)
	}
	m := w.keeper.Manifest()
	if len(m.Segments) != 0 {
		t.Errorf("segments: %v", m.Segments)
	}
	if got, want := m.FinalUntil[1], firstDay+3*dayMicros; got != want {
		t.Errorf("final until %v, want %v", got, want)
	}
	if from, gone := m.RowsFrom(1); !gone || from != firstDay+dayMicros {
		t.Errorf("rows from %v, %v", from, gone)
	}
	if diff := cmp.Diff([]store.RollupRange{{From: firstDay + dayMicros, To: firstDay + 3*dayMicros, Zone: utc.name}}, m.Rollups[1]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	// Days that are final already stay so.
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + dayMicros})
	if got := w.keeper.Manifest().FinalUntil[1]; got != firstDay+3*dayMicros {
		t.Errorf("final until %v after an earlier time", got)
	}
	for name, span := range map[string]store.RollupSpan{
		"young days": {Property: 1, From: firstDay + dayMicros, To: firstDay + 4*dayMicros, Zone: utc.steps},
		"no cells":   {Property: 2, From: firstDay, To: firstDay + dayMicros, Zone: utc.steps},
	} {
		if err := w.keeper.DropRows(context.Background(), []store.RollupSpan{span}); err == nil {
			t.Errorf("%s were dropped", name)
		}
	}
}

// testYoungDaysKeepTheirRows: what is final of one property takes nothing from another, nor from a session whose
// last events are young.
func testYoungDaysKeepTheirRows(t *testing.T, kit SharedKit) {
	w := newKeptWorld(t, kit)
	w.append(person(100, "lasting", "", firstDay+dayMicros-1)) // over midnight
	w.append(person(200, "early", "", firstDay))
	other := person(300, "other", "", firstDay)
	for i := range other.Events {
		other.Events[i].Property = 2
	}
	other.Sessions[0].Property = 2
	w.append(other)
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + dayMicros})
	w.compact()
	w.reopen()
	w.compact()
	open, err := w.keeper.OpenSessions(context.Background(), firstDay+9*dayMicros)
	if err != nil {
		t.Fatal(err)
	}
	want := map[event.PropertyID]store.Open{1: {MinTime: firstDay + dayMicros, MaxTime: firstDay + dayMicros}, 2: {MinTime: firstDay, MaxTime: firstDay + 1}}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("young rows (-want +got):\n%s", diff)
	}
	if got, want := print(w.run(byPath(store.Events))), "/of/early : 3\n/of/lasting : 3\n"; got != want {
		t.Errorf("events: got\n%swant\n%s", got, want)
	}
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + 2*dayMicros, 2: firstDay + 2*dayMicros})
	w.compact()
	if got, want := print(w.run(byPath(store.EventSessions))), "/of/early : 1\n/of/lasting : 1\n"; got != want {
		t.Errorf("sessions of events: got\n%swant\n%s", got, want)
	}
	if open, err := w.keeper.OpenSessions(context.Background(), firstDay+9*dayMicros); err != nil || len(open) > 0 {
		t.Errorf("all is final, and young are %v, %v", open, err)
	}
}
