// Rendering: golden SQL of plans over young days, final days and cells, and of what upkeep writes.
package clickstore

import (
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
		"events": {Dimensions: []store.Dimension{column(store.ColPath), {Column: store.ColTime, Bucket: store.Date}},
			Aggregates: []store.Aggregate{count, users}, MaxRows: 10},
		"events_through_session": {Dimensions: []store.Dimension{column(store.ColSource)}, ObservedUsers: true,
			Aggregates: []store.Aggregate{users, {Op: store.Count, Where: store.ColFirstEvent}}, AllVerdicts: true},
		"sessions": {Relation: store.Sessions, Dimensions: []store.Dimension{column(store.ColCountry)},
			Aggregates: []store.Aggregate{count, {Op: store.Sum, Column: store.ColDurationMicros}}},
		"event_sessions": {Relation: store.EventSessions, Dimensions: []store.Dimension{column(store.ColPath)},
			Aggregates: []store.Aggregate{count, {Op: store.Count, Where: store.ColEngaged}}},
		"users": {Dimensions: []store.Dimension{column(store.ColBrowser)}, Aggregates: []store.Aggregate{count, users, {Op: store.DistinctUsers}},
			Users: store.SketchedUsers, ZoneName: "UTC"},
	}
}

// renderDocument is of a property whose days are final until a time, with cells of the first.
func renderDocument(until event.Time) *document {
	return &document{FinalUntil: &until, Finals: []store.FinalRange{{From: 0, To: dayMicros, Run: 11, Edition: 1}, {From: dayMicros, To: until, Run: 12, Edition: 1}},
		Rollups: []store.RollupRange{{From: 0, To: dayMicros, Zone: "UTC"}}, Cells: []cellRange{{Lo: 0, Hi: dayMicros, Run: 13}}}
}

// TestRender: `plan case [final-until=days] [gone]` prints the SQL of a plan over days 0 to 4, `cells case` what cells and
// sketches are asked, `final` and `rollup` what upkeep writes.
func TestRender(t *testing.T) {
	d, err := newDialect()
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{dialect: d}
	seen := visible{"log": {3, 0, 5}}
	datadriven.RunTest(t, "testdata/render", func(t *testing.T, td *datadriven.TestData) string {
		v := &view{seen: seen, doc: &document{}}
		for _, arg := range td.CmdArgs {
			switch arg.Key {
			case "final-until":
				var n int
				arg.Scan(t, 0, &n)
				v.doc = renderDocument(event.Time(n) * dayMicros)
			case "gone":
				v.doc.Gone = &goneClients{Clients: []event.RowID{5, 6}}
			}
		}
		k := &keeper{s: s, at: newState(version{}, rootDocument{}, map[event.PropertyID]*document{7: v.doc})}
		sp := daySpan{from: dayMicros, to: 2 * dayMicros, properties: []event.PropertyID{7, 8}}
		var texts []string
		var err error
		add := func(text string, failed error) {
			if texts = append(texts, strings.TrimSpace(text)); failed != nil {
				err = failed
			}
		}
		var p *store.Plan
		if len(td.CmdArgs) > 0 {
			if p = renderCases()[td.CmdArgs[0].Key]; p != nil {
				p.Property, p.To = 7, 4*dayMicros
			}
		}
		switch td.Cmd {
		case "plan":
			st, failed := d.render(p, v)
			if failed != nil {
				return "error: " + failed.Error()
			}
			add(st.sql, nil)
		case "cells":
			m := (&store.Manifest{}).Clone()
			v.doc.fill(&m, 7)
			split, _ := store.SplitPlan(p, &m)
			x := &rolled{sn: &snapshot{s: s}, p: p, v: v, s: split}
			st, failed := x.cellsQuery()
			add(st.sql, failed)
			st, failed = x.sketchesQuery(p)
			add(st.sql, failed)
		case "final":
			rows := &finalRows{s: s, at: k.at, span: &sp, seen: seen}
			add(rows.selection(store.FinalSessions, []uint16{1, 2}, inserted(21)))
			add(rows.selection(store.FinalEvents, []uint16{1, 2}, inserted(21)))
		case "rollup":
			g := &rollupGroup{sp, store.Zone{{Offset: 3_600_000_000}}}
			for _, r := range store.Rollups() {
				if r.ID == 6 || r.ID == 4 {
					_, column := finalTable(r.Relation)
					add(cellsOf(&r, g, k.rowsOf(g, column), 21), nil)
				}
			}
		}
		if err != nil {
			return "error: " + err.Error()
		}
		return strings.Join(texts, "\n\n")
	})
}
