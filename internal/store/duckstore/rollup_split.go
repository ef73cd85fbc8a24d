// Splitting a plan: which of its days cells answer, and which rows.
package duckstore

import (
	"math"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// timeSpan is From <= t < To.
type timeSpan struct{ from, to event.Time }

// split is a plan taken apart. Its pieces lie side by side in time.
type split struct {
	rollup store.Rollup
	cells  []timeSpan // of local time
	rows   []timeSpan // of UTC
	// apart: no group of the answer has rows of two local days, so none is both
	// in cells and in rows.
	apart bool
}

// splitPlan finds the days of p that have cells; false if none has.
func splitPlan(p *store.Plan, m *store.Manifest) (split, bool) {
	s := split{}
	var ok bool
	if s.rollup, ok = store.RollupFor(p); !ok {
		return s, false
	}
	next := p.From
	for _, r := range m.Rollups[p.Property] {
		from, to := max(r.From, next), min(r.To, p.To)
		if r.Zone != p.ZoneName || from >= to {
			continue
		}
		lo, loOK := dayStart(from, p.Zone)
		hi, hiOK := dayStart(to, p.Zone)
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
	for _, d := range p.Dimensions {
		s.apart = s.apart || (d.Column == store.ColTime && (d.Bucket == store.Date || d.Bucket == store.DateHour))
	}
	return s, len(s.cells) > 0
}

// dayStart returns the midnight of local time with which the day begins whose
// first instant is t; false if t is no first instant of a day. Where clocks are put
// forward over midnight, the first instant is later on the clock.
func dayStart(t event.Time, z store.Zone) (event.Time, bool) {
	const edge = 400 * dayMicros // nearer to the ends of time there are no days
	if t < math.MinInt64+edge || t > math.MaxInt64-edge {
		return t, true
	}
	day := floorDay(localTimeOf(t, z))
	return day, floorDay(localTimeOf(t-1, z)) < day
}

func floorDay(local event.Time) event.Time {
	return local - (local%dayMicros+dayMicros)%dayMicros
}

// localTimeOf is local time at t.
func localTimeOf(t event.Time, z store.Zone) event.Time {
	offset := int64(0)
	for i, step := range z {
		if i == 0 || step.At <= t {
			offset = step.Offset
		}
	}
	return localOf(t, offset)
}
