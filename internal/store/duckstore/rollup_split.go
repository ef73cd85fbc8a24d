// Splitting a plan: the pieces of store.SplitPlan by the names that are used here.
package duckstore

import (
	"tidemark/internal/event"
	"tidemark/internal/store"
)

// timeSpan is From <= t < To.
type timeSpan struct{ from, to event.Time }

// split is a plan taken apart (store.Split).
type split struct {
	rollup store.Rollup
	kept   []timeSpan // of local time: cells of days without rows, at most one piece
	cells  []timeSpan // of local time
	rows   []timeSpan // of UTC
	// apart: no group of the answer has rows of two local days, so none is both
	// in cells and in rows.
	apart bool
}

// splitPlan finds the days of p that have cells; false if none has. m.CheckRows has
// found that p can be answered.
func splitPlan(p *store.Plan, m *store.Manifest) (split, bool) {
	s, ok := store.SplitPlan(p, m)
	return split{rollup: s.Rollup, kept: spansFrom(s.Kept), cells: spansFrom(s.Cells), rows: spansFrom(s.Rows), apart: s.Apart}, ok
}

func spansFrom(list []store.TimeSpan) []timeSpan {
	var out []timeSpan
	for _, s := range list {
		out = append(out, timeSpan{s.From, s.To})
	}
	return out
}
