// Splitting a plan: which of its days cells answer, and which rows.
package store

import "tidemark/internal/event"

// TimeSpan is From <= t < To.
type TimeSpan struct{ From, To event.Time }

// Split is a plan taken apart. Its pieces lie side by side in time.
type Split struct {
	Rollup Rollup
	Kept   []TimeSpan // of local time: cells of days without rows, at most one piece
	Cells  []TimeSpan // of local time
	Rows   []TimeSpan // of UTC
	// Apart: no group of the answer has rows of two local days, so none is both
	// in cells and in rows.
	Apart bool
}

// SplitPlan finds the days of p that have cells; false if none has. m.CheckRows has
// found that p can be answered.
func SplitPlan(p *Plan, m *Manifest) (Split, bool) {
	s := Split{}
	var ok bool
	if s.Rollup, ok = RollupFor(p); !ok {
		return s, false
	}
	for _, d := range p.Dimensions {
		s.Apart = s.Apart || (d.Column == ColTime && (d.Bucket == Date || d.Bucket == DateHour))
	}
	rowsFrom, gone := m.RowsFrom(p.Property)
	lo, hi, next, kept := m.KeptDays(p)
	if kept {
		s.Kept = []TimeSpan{{lo, hi}}
	}
	for _, r := range m.Rollups[p.Property] {
		from, to := max(r.From, next), min(r.To, p.To)
		if r.Zone != p.ZoneName || from >= to {
			continue
		}
		lo, loOK := DayStart(from, p.Zone)
		if gone && from == rowsFrom && !loOK {
			// The day began in the zone of before, whose rows are gone: its cells are
			// made of what is left of it.
			lo, loOK = FloorDay(p.Zone.Local(from)), true
		}
		hi, hiOK := DayStart(to, p.Zone)
		if !loOK || !hiOK {
			continue // part of a day: only rows tell
		}
		if next < from {
			s.Rows = append(s.Rows, TimeSpan{next, from})
		}
		s.Cells = append(s.Cells, TimeSpan{lo, hi})
		next = to
	}
	if next < p.To {
		s.Rows = append(s.Rows, TimeSpan{next, p.To})
	}
	if len(s.Kept) > 0 && len(s.Rows) > 0 {
		// Kept days are of the zone of their time: the last may have the date of the first day with rows.
		s.Apart = s.Apart && FloorDay(p.Zone.Local(s.Rows[0].From)) >= s.Kept[0].To
	}
	return s, len(s.Cells)+len(s.Kept) > 0
}
