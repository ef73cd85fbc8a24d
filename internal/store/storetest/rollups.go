// Rollups in histories: at random moments final days get cells, lose them because
// their rows are said to have changed, and get them again; plans are asked with
// every way of counting users (T8).
package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// testCellsAndRowsAnswerAlike asks of histories in which some days have cells, some
// final rows, and some young ones.
func testCellsAndRowsAnswerAlike(t *testing.T, open Opener) {
	n, rolled := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > rolledHistories && !t.Failed() {
			return
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) { rolled += playRolledHistory(t, rt, open) })
		if t.Failed() {
			rt.Fatalf("history %d", n)
		}
	})
	t.Logf("%d of %d plans were answered from cells", rolled, rolledHistories*rolledPlans)
}

const (
	rolledHistories = 12
	rolledPlans     = 40
)

// playRolledHistory plays four days, of which the first become final, and returns
// how many plans cells answered.
func playRolledHistory(t *testing.T, rt *rapid.T, open Opener) (rolled int) {
	w := newWorld(t, open)
	zone := drawZone(rt)
	all := tableRows{}
	h := &history{t: rt, row: 1000, day: firstDay}
	final := map[event.PropertyID]event.Time{}
	ask := func(plans int) {
		sn := w.snapshot()
		defer sn.Release()
		for range plans {
			p := drawRolledPlan(rt, zone)
			rows, err := sn.Run(context.Background(), p)
			want, wantErr := evaluate(p, resolve([]part{{rows: all}}, store.Manifest{}, p.Property))
			if err == nil && rows.Rollup != "" {
				rolled++
			}
			comparePlan(t, p, rows, err, want, wantErr)
		}
	}
	for day := range 4 {
		for range rapid.IntRange(2, 5).Draw(rt, "batches") {
			b := h.batch()
			w.append(b)
			all.events = append(all.events, b.Events...)
			all.sessions = append(all.sessions, b.Sessions...)
			all.aliases = append(all.aliases, b.Aliases...)
			if rapid.Bool().Draw(rt, "asked meanwhile") {
				ask(2)
			}
			if rapid.IntRange(0, 3).Draw(rt, "checkpoint meanwhile") == 0 {
				w.checkpoint()
			}
		}
		h.day += dayMicros
		h.open = nil
		w.checkpoint()
		if day < 3 {
			final[1], final[2] = h.day, h.day
			w.finalize(maps.Clone(final))
			w.drawRollUp(rt, zone, final)
			w.drawRollUp(rt, zone, final)
			w.compact()
		}
	}
	b := h.batch() // of the day after, and perhaps in no segment
	w.append(b)
	all.events = append(all.events, b.Events...)
	all.sessions = append(all.sessions, b.Sessions...)
	all.aliases = append(all.aliases, b.Aliases...)
	ask(rolledPlans)
	return rolled
}

// rollUp makes cells of local days [from, to) of p.
func (w *world) rollUp(p event.PropertyID, from, to event.Time, name string, zone store.Zone) {
	w.t.Helper()
	span := store.RollupSpan{Property: p, From: from, To: to, Zone: zone}
	c, err := w.store.RollUp(context.Background(), w.manifest, []store.RollupSpan{span})
	if err != nil {
		w.t.Fatalf("roll up: %v", err)
	}
	m := applied(w.manifest, c)
	m.Rollups = maps.Clone(m.Rollups)
	if m.Rollups == nil {
		m.Rollups = map[event.PropertyID][]store.RollupRange{}
	}
	m.Rollups[p] = store.WithRollups(m.Rollups[p], store.RollupRange{From: from, To: to, Zone: name})
	w.install(m)
}

// forget says that rows of [from, to) changed.
func (w *world) forget(p event.PropertyID, from, to event.Time) {
	w.t.Helper()
	m := clone(w.manifest)
	m.Rollups = maps.Clone(m.Rollups)
	if m.Rollups != nil {
		m.Rollups[p] = store.WithoutRollups(m.Rollups[p], from, to)
	}
	w.install(m)
}

// localZone is the zone of a history's rollups.
type localZone struct {
	name  string
	steps store.Zone
}

func drawZone(t *rapid.T) localZone {
	z := localZone{name: "Here"}
	offset := rapid.SampledFrom([]int64{0, 330, -600, 60, 840}).Draw(t, "rollup offset") * 60_000_000
	z.steps = store.Zone{{At: firstDay, Offset: offset}}
	// Clocks change by an hour, and not over midnight: a day that comes twice has
	// cells once.
	if change := rapid.Int64Range(-1, 1).Draw(t, "clock change"); change != 0 {
		z.steps = append(z.steps, store.ZoneStep{At: firstDay + 30*hourMicros, Offset: offset + change*int64(hourMicros)})
	}
	return z
}

func (z localZone) local(t event.Time) event.Time {
	offset := z.steps[0].Offset
	for _, s := range z.steps[1:] {
		if s.At <= t {
			offset = s.Offset
		}
	}
	return t + event.Time(offset)
}

// midnights lists the first instants of local days around the history, whole
// quarters of an hour as they are.
func (z localZone) midnights() []event.Time {
	var out []event.Time
	const quarter = hourMicros / 4
	for t := firstDay - 2*dayMicros; t < firstDay+20*dayMicros; t += quarter {
		if z.local(t)/dayMicros > z.local(t-1)/dayMicros {
			out = append(out, t)
		}
	}
	return out
}

// drawRollUp makes or forgets cells of some final days.
func (w *world) drawRollUp(t *rapid.T, z localZone, final map[event.PropertyID]event.Time) {
	p := event.PropertyID(rapid.IntRange(1, 2).Draw(t, "rollup property"))
	days := slices.DeleteFunc(z.midnights(), func(d event.Time) bool { return d > final[p] })
	if len(days) < 2 {
		return
	}
	from := rapid.IntRange(0, len(days)-2).Draw(t, "rollup from")
	to := rapid.IntRange(from+1, len(days)-1).Draw(t, "rollup to")
	if rapid.IntRange(0, 4).Draw(t, "forget") == 0 {
		w.forget(p, days[from], days[to])
		return
	}
	w.rollUp(p, days[from], days[to], z.name, z.steps)
}

// drawRolledPlan draws a plan that rollups are made for: whole days of their zone,
// few columns.
func drawRolledPlan(t *rapid.T, z localZone) *store.Plan {
	days := z.midnights()
	p := &store.Plan{
		Property: event.PropertyID(rapid.IntRange(1, 2).Draw(t, "plan property")),
		Relation: rapid.SampledFrom([]store.Relation{store.Events, store.Events, store.Sessions}).Draw(t, "relation"),
		From:     days[rapid.IntRange(0, 3).Draw(t, "from day")], Zone: z.steps, ZoneName: z.name,
		Users: rapid.SampledFrom([]store.UserCount{store.ExactUsers, store.SketchedUsers, store.SketchedUsers,
			store.BoundUsers}).Draw(t, "users"),
	}
	p.To = days[rapid.IntRange(3, len(days)-1).Draw(t, "to day")]
	if rapid.IntRange(0, 6).Draw(t, "part of a day") == 0 { // which only rows can tell
		p.From += event.Time(rapid.IntRange(1, 23).Draw(t, "from hour")) * hourMicros
		p.To += event.Time(rapid.IntRange(0, 23).Draw(t, "to hour")) * hourMicros
	}
	rollups := slices.DeleteFunc(store.Rollups(), func(r store.Rollup) bool { return r.Relation != p.Relation })
	r := rapid.SampledFrom(rollups).Draw(t, "rollup")
	columns := []store.Dimension{{Column: store.ColTime, Bucket: store.Date}, {Column: store.ColTime, Bucket: store.ISOWeek}}
	if r.Hourly {
		columns = append(columns, store.Dimension{Column: store.ColTime, Bucket: store.DateHour},
			store.Dimension{Column: store.ColTime, Bucket: store.Hour})
	}
	for _, c := range r.Dimensions {
		columns = append(columns, store.Dimension{Column: c}, store.Dimension{Column: c})
	}
	dimension := rapid.SampledFrom(columns)
	p.Dimensions = rapid.SliceOfNDistinct(dimension, 0, 3, rapid.ID).Draw(t, "dimensions")
	all := []store.Aggregate{{Op: store.Count}, {Op: store.Count, Where: store.ColEngaged},
		{Op: store.Sum, Column: store.ColDurationMicros}}
	if p.Relation == store.Events {
		all = []store.Aggregate{{Op: store.Count}, {Op: store.Count, Where: store.ColFirstEvent},
			{Op: store.Count, Where: store.ColPageView}, {Op: store.Count, Where: store.ColKeyEvent},
			{Op: store.Sum, Column: store.ColEngagementMS}, {Op: store.Sum, Column: store.ColValueMicros},
			{Op: store.DistinctUsers}, {Op: store.DistinctUsers, Where: store.ColActive}}
	}
	p.Aggregates = rapid.SliceOfN(rapid.SampledFrom(all), 1, 4).Draw(t, "aggregates")
	if rapid.Bool().Draw(t, "filtered") {
		p.Filter = drawFilter(t, dimension, 2)
	}
	if r.Names != nil {
		names := &store.Predicate{Leaf: &store.Leaf{Dimension: store.Dimension{Column: store.ColName}, Match: store.In,
			Values: []string{"purchase", "refund"}, CaseSensitive: true}}
		p.Filter = &store.Predicate{And: []*store.Predicate{names, p.Filter}}
		if p.Filter.And[1] == nil {
			p.Filter = names
		}
	}
	return p
}

// comparePlan holds an answer to the reference. Bounds need not be equal, but no
// smaller, and zero only where there is nobody.
func comparePlan(t *testing.T, p *store.Plan, rows *store.Rows, err error, want *store.Rows, wantErr error) {
	t.Helper()
	if err == nil && wantErr == nil && rows.Bound {
		rows = cloneRows(rows)
		checkBounds(t, p, rows, want)
	}
	if diff := cmp.Diff(print(want, wantErr), print(rows, err)); diff != "" {
		rollup := ""
		if rows != nil {
			rollup = rows.Rollup
		}
		t.Fatalf("plan %+v filter %s rollup %q err %v (-reference +store):\n%s", p, describe(p.Filter), rollup, err, diff)
	}
}

// checkBounds checks bounds and then puts what is true in their place.
func checkBounds(t *testing.T, p *store.Plan, rows, want *store.Rows) {
	t.Helper()
	for i, dims := range rows.Dimensions {
		at := slices.IndexFunc(want.Dimensions, func(d []string) bool { return slices.Equal(d, dims) })
		if at < 0 {
			continue // the comparison will say so
		}
		for k, a := range p.Aggregates {
			got, least := rows.Aggregates[i][k], want.Aggregates[at][k]
			if a.Op != store.DistinctUsers {
				continue
			}
			if got < least || (got == 0) != (least == 0) {
				t.Errorf("plan %+v group %q: bound %d of %d users", p, dims, got, least)
			}
			rows.Aggregates[i][k] = least
		}
	}
}

func cloneRows(rows *store.Rows) *store.Rows {
	c := *rows
	c.Aggregates = make([][]int64, len(rows.Aggregates))
	for i, numbers := range rows.Aggregates {
		c.Aggregates[i] = slices.Clone(numbers)
	}
	return &c
}
