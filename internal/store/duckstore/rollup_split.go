// Splitting a plan: which of its days cells answer, and which rows.
package duckstore

import (
	"tidemark/internal/event"
	"tidemark/internal/store"
)

// timeSpan is From <= t < To.
type timeSpan struct{ from, to event.Time }

// split is a plan taken apart. Its pieces lie side by side in time.
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
	s := split{}
	var ok bool
	if s.rollup, ok = store.RollupFor(p); !ok {
		return s, false
	}
	for _, d := range p.Dimensions {
		s.apart = s.apart || (d.Column == store.ColTime && (d.Bucket == store.Date || d.Bucket == store.DateHour))
	}
	rowsFrom, gone := m.RowsFrom(p.Property)
	lo, hi, next, kept := m.KeptDays(p)
	if kept {
		s.kept = []timeSpan{{lo, hi}}
	}
	for _, r := range m.Rollups[p.Property] {
		from, to := max(r.From, next), min(r.To, p.To)
		if r.Zone != p.ZoneName || from >= to {
			continue
		}
		lo, loOK := store.DayStart(from, p.Zone)
		if gone && from == rowsFrom && !loOK {
			// The day began in the zone of before, whose rows are gone: its cells are
			// made of what is left of it.
			lo, loOK = store.FloorDay(p.Zone.Local(from)), true
		}
		hi, hiOK := store.DayStart(to, p.Zone)
		if !loOK || !hiOK {
			continue // part of a day: only rows tell
		}
		if next < from {
			s.rows = append(s.rows, timeSpan{next, from})
		}
		s.cells = append(s.cells, timeSpan{lo, hi})
		next = to
	}
	if next < p.To {
		s.rows = append(s.rows, timeSpan{next, p.To})
	}
	if len(s.kept) > 0 && len(s.rows) > 0 {
		// Kept days are of the zone of their time: the last may have the date of the first day with rows.
		s.apart = s.apart && store.FloorDay(p.Zone.Local(s.rows[0].from)) >= s.kept[0].to
	}
	return s, len(s.cells)+len(s.kept) > 0
}
