// Rendering: golden SQL per relation and situation, and quoting that no text leaves.
package duckstore

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// renderCases are the plans of testdata/render, by name.
func renderCases() map[string]*store.Plan {
	column := func(c store.Column) store.Dimension { return store.Dimension{Column: c} }
	count := store.Aggregate{Op: store.Count}
	users := store.Aggregate{Op: store.DistinctUsers, Where: store.ColActive}
	return map[string]*store.Plan{
		"events_without_session": {Dimensions: []store.Dimension{column(store.ColPath), {Column: store.ColTime, Bucket: store.Date}},
			Aggregates: []store.Aggregate{count, users}, Zone: store.Zone{{Offset: 3600}, {At: 1500, Offset: 7200}}, MaxRows: 10},
		"events_through_session": {Dimensions: []store.Dimension{column(store.ColSource)}, ObservedUsers: true,
			Aggregates: []store.Aggregate{users, {Op: store.Count, Where: store.ColFirstEvent}}, AllVerdicts: true},
		"events_filtered": {Aggregates: []store.Aggregate{count}, Filter: &store.Predicate{And: []*store.Predicate{
			{Leaf: &store.Leaf{Dimension: column(store.ColPath), Match: store.Contains, Values: []string{"it's"}}},
			{Not: &store.Predicate{Leaf: &store.Leaf{Dimension: store.Dimension{Column: store.ColParam, Param: "a/b"}, CaseSensitive: true, Values: []string{"x"}}}}}}},
		"sessions": {Relation: store.Sessions, Dimensions: []store.Dimension{column(store.ColCountry)},
			Aggregates: []store.Aggregate{count, {Op: store.Sum, Column: store.ColDurationMicros}}},
		"event_sessions": {Relation: store.EventSessions, Dimensions: []store.Dimension{column(store.ColPath)},
			Aggregates: []store.Aggregate{count, {Op: store.Count, Where: store.ColEngaged}}},
	}
}

// TestRender: `render case [head] [young] [final]` prints the SQL over a view
// that has rows there; `young=far` has them at other times only.
func TestRender(t *testing.T) {
	d, err := newDialect()
	if err != nil {
		t.Fatal(err)
	}
	datadriven.RunTest(t, "testdata/render", func(t *testing.T, td *datadriven.TestData) string {
		p := renderCases()[td.CmdArgs[0].Key]
		if p == nil {
			td.Fatalf(t, "there is no such plan")
		}
		p.Property, p.From, p.To = 7, 1000, 2000
		st, err := d.render(p, renderView(td.CmdArgs[1:]))
		if err != nil {
			return "error: " + err.Error()
		}
		return strings.TrimSpace(st.sql)
	})
}

func renderView(args []datadriven.CmdArg) *view {
	v := &view{dir: "/store", manifest: &store.Manifest{}}
	segment := func(t store.Table, from, to event.Time) {
		v.manifest.Segments = append(v.manifest.Segments, store.Segment{Table: t, File: string(t) + ".parquet",
			MinTime: from, MaxTime: to, LastNeeded: to, MinProperty: 1, MaxProperty: 9})
	}
	for _, a := range args {
		switch a.Key {
		case "head":
			v.heads = []headView{{head: &head{id: 3}, rows: headRows{5, 6, 7},
				bounds: bounds{set: true, minTime: 1000, maxTime: 1100, minProperty: 7, maxProperty: 7}}}
		case "young":
			from := event.Time(900)
			if len(a.Vals) > 0 {
				from = 2000
			}
			for _, t := range youngTables() {
				segment(t, from, 3000)
			}
		case "final":
			until := event.Time(1200)
			if len(a.Vals) > 0 {
				until = 2000
			}
			v.manifest.FinalUntil = map[event.PropertyID]event.Time{7: until}
			segment(store.FinalEvents, 0, until-1)
			segment(store.FinalSessions, 0, until-1)
		}
	}
	return v
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", "''", "\\'", "a\x00b", "\xff", "'||chr(0)||'", "--", "$$", "\u2019"} {
		f.Add(s)
	}
	e, err := openEngine(engineConfig{memoryLimit: 64 << 20, threads: 1, dir: f.TempDir(), tempDir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(e.close)
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		rows := 0
		err := e.run(context.Background(), "SELECT "+quote(s), func(r *result) error {
			rows += r.rows
			got = r.text(0, 0)
			return nil
		})
		if want := strings.ToValidUTF8(s, "\uFFFD"); err != nil || rows != 1 || got != want {
			t.Errorf("%q: got %q in %d rows, error %v", s, got, rows, err)
		}
	})
}
