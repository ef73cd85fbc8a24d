// Replacing final days of a shared store: what a replay made takes their place in one step (U5 to U7, S29).
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// shadowed exports the rows of [from, to) as another store has them, in which batches of p are final.
func (w *sharedWorld) shadowed(name string, p event.PropertyID, from, to event.Time, batches ...*store.Batch) *store.Replacing {
	w.t.Helper()
	shadow := newKeptWorldNamed(w.t, w.kit, w.name+"/"+name)
	for _, b := range batches {
		shadow.append(b)
	}
	shadow.finalize(map[event.PropertyID]event.Time{p: to})
	e, err := shadow.store.(store.Exporter).Export(context.Background(), p)
	if err != nil {
		w.t.Fatalf("export: %v", err)
	}
	defer e.Release()
	r := &store.Replacing{Property: p, From: from, To: to, Was: w.manifest()}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		n, err := e.Count(context.Background(), t, from, to)
		f, writeErr := e.Write(context.Background(), t, from, to)
		if err = errors.Join(err, writeErr); err != nil {
			w.t.Fatalf("write %s: %v", t, err)
		}
		if f == nil {
			continue
		}
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			w.t.Fatal(err)
		}
		r.Files = append(r.Files, store.RestoredFile{Table: t, Rows: n, Copy: func(_ context.Context, to io.Writer) error {
			_, err := to.Write(text)
			return err
		}})
	}
	return r
}

func (w *sharedWorld) manifest() store.Manifest {
	sn := w.snapshot()
	defer sn.Release()
	return sn.Manifest()
}

func (w *sharedWorld) prepare(r *store.Replacing) *store.Prepared {
	w.t.Helper()
	p, err := w.store.(store.Replacer).Prepare(context.Background(), r)
	if err != nil {
		w.t.Fatalf("prepare: %v", err)
	}
	return p
}

func replaceFinal(k store.Keeper, p *store.Prepared, at event.Time) error {
	return k.(store.ReplacingKeeper).ReplaceFinal(context.Background(), p, at)
}

const replaceDays = 5

// newReplaceWorld has one run of five final days of two properties with cells, and a young one.
func newReplaceWorld(t *testing.T, kit SharedKit, name string) *sharedWorld {
	t.Helper()
	w := newKeptWorldNamed(t, kit, t.Name()+name)
	until := map[event.PropertyID]event.Time{}
	for p := event.PropertyID(1); p <= 2; p++ {
		for day := range replaceDays + 1 {
			w.append(stay(p, day, event.RowID(1000*int(p)+10*day+1), "google"))
		}
		until[p] = day(replaceDays)
	}
	w.finalize(until)
	w.rollUp(1, firstDay, day(replaceDays), utc.name, utc.steps)
	return w
}

func day(n int) event.Time { return firstDay + event.Time(n)*dayMicros }

// again are the visits of days [from, to) as a replay made them.
func again(from, to int, source string) (out []*store.Batch) {
	for d := from; d < to; d++ {
		out = append(out, stay(1, d, event.RowID(1000+10*d+1), source))
	}
	return out
}

// sources tells the source of each day's sessions and events of a property.
func sources(t testing.TB, sn store.Snapshot, p event.PropertyID) string {
	t.Helper()
	var out []string
	for _, relation := range []store.Relation{store.Sessions, store.Events} {
		plan := &store.Plan{Property: p, Relation: relation, From: firstDay, To: day(replaceDays + 1), Zone: utc.steps, ZoneName: utc.name,
			Users: store.SketchedUsers, Dimensions: []store.Dimension{{Column: store.ColTime, Bucket: store.Date}, {Column: store.ColSource}},
			Aggregates: []store.Aggregate{{Op: store.Count}}}
		out = append(out, mustRun(t, sn, plan))
	}
	if joined := mustRun(t, sn, &store.Plan{Property: p, Relation: store.EventSessions, From: firstDay, To: day(replaceDays + 1),
		Aggregates: []store.Aggregate{{Op: store.Count}}}); joined != fmt.Sprintf(": %d\n", replaceDays+1) {
		t.Errorf("sessions of events: %s", joined)
	}
	return strings.Join(out, "")
}

func (w *sharedWorld) sources(p event.PropertyID) string {
	w.t.Helper()
	sn := w.snapshot()
	defer sn.Release()
	return sources(w.t, sn, p)
}

// wantSources is what sources tells if days have these.
func wantSources(of ...string) string {
	out := ""
	for _, n := range []int{1, 3} { // sessions, and events of each
		for d, source := range of {
			out += fmt.Sprintf("%s | %s : %d\n", isoDate(d), source, n)
		}
	}
	return out
}

func isoDate(d int) string { return day(d).Std().UTC().Format("20060102") }

func testReplacedDays(t *testing.T, kit SharedKit) {
	w := newReplaceWorld(t, kit, "")
	g := "google"
	first := w.snapshot()
	defer first.Release()
	other := w.sources(2)
	if got, want := w.sources(1), wantSources(g, g, g, g, g, g); got != want {
		t.Fatalf("before: %s\nwant %s", got, want)
	}
	for n, step := range []struct {
		name     string
		from, to int
		want     []string
	}{
		{"in the middle", 2, 3, []string{g, g, "in the middle", g, g, g}},
		{"at the beginning", 0, 1, []string{"at the beginning", g, "in the middle", g, g, g}},
		{"at the end", 4, 5, []string{"at the beginning", g, "in the middle", g, "at the end", g}},
		{"over ranges", 1, 4, []string{"at the beginning", "over ranges", "over ranges", "over ranges", "at the end", g}},
		{"once more", 2, 3, []string{"at the beginning", "over ranges", "once more", "over ranges", "at the end", g}},
		{"all", 0, 5, []string{"all", "all", "all", "all", "all", g}},
	} {
		before, was := w.sources(1), w.manifest()
		held := w.snapshot()
		p := w.prepare(w.shadowed(fmt.Sprint("shadow", n), 1, day(step.from), day(step.to), again(step.from, step.to, step.name)...))
		if got := w.sources(1); got != before {
			t.Errorf("%s: answers changed when rows were prepared:\n%s", step.name, got)
		}
		if err := replaceFinal(w.keeper, p, event.Time(100+n)); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		now, noted := w.manifest(), store.Restated{At: event.Time(100 + n), From: day(step.from), To: day(step.to), Why: store.WhyReplay}
		if now.DayVersion[1] != was.DayVersion[1]+1 || len(now.Restated[1]) != n+1 || now.Restated[1][n] != noted || now.FinalUntil[1] != was.FinalUntil[1] {
			t.Errorf("%s: version %d, was %d, notes %+v", step.name, now.DayVersion[1], was.DayVersion[1], now.Restated[1])
		}
		if touched := slices.ContainsFunc(now.Rollups[1], func(r store.RollupRange) bool { return r.From < day(step.to) && day(step.from) < r.To }); touched {
			t.Errorf("%s: cells of replaced days are asked: %+v", step.name, now.Rollups[1])
		}
		if diff := cmp.Diff(wantSources(step.want...), w.sources(1)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", step.name, diff)
		}
		if got := sources(t, held, 1); got != before {
			t.Errorf("%s: a snapshot of before tells\n%s", step.name, got)
		}
		held.Release()
		if err := replaceFinal(w.keeper, p, 999); err != nil || len(w.manifest().Restated[1]) != n+1 {
			t.Errorf("%s: put in place twice: %v, notes %+v", step.name, err, w.manifest().Restated[1])
		}
		w.rollUp(1, firstDay, day(replaceDays), utc.name, utc.steps)
		w.compact()
		if diff := cmp.Diff(wantSources(step.want...), w.sources(1)); diff != "" {
			t.Fatalf("%s, from cells (-want +got):\n%s", step.name, diff)
		}
		w.reopen()
	}
	if got := w.sources(2); got != other {
		t.Errorf("another property tells\n%s", got)
	}
	if got, want := sources(t, first, 1), wantSources(g, g, g, g, g, g); got != want {
		t.Errorf("the first snapshot tells\n%s", got)
	}
}
