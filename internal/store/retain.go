// Retention: rows of final days go by whole days, and their cells stay (S30).
package store

import (
	"fmt"
	"math"

	"tidemark/internal/event"
)

// RowsFrom returns the start of the first local day of which p's rows are kept;
// false if none were dropped. Days before it are answered from cells alone.
func (m *Manifest) RowsFrom(p event.PropertyID) (event.Time, bool) {
	kept := m.Kept[p]
	if len(kept) == 0 {
		return math.MinInt64, false
	}
	return kept[len(kept)-1].To, true
}

// Droppable returns up to which time, at most until, p's rows can go now: each day before
// it has cells of the zone. Without any such day it returns false.
func (m *Manifest) Droppable(p event.PropertyID, zone string, until event.Time) (event.Time, bool) {
	from, _ := m.RowsFrom(p)
	for _, r := range m.Rollups[p] {
		if r.Zone == zone && r.From <= from && from < r.To {
			to := min(r.To, until)
			return to, to > from
		}
	}
	return 0, false
}

// WithoutRows notes in m that p's rows before `until` are gone and that cells, of days
// of the zone, stay in their place. m's maps must be its own.
func (m *Manifest) WithoutRows(p event.PropertyID, until event.Time, zone string) {
	if m.Kept == nil {
		m.Kept = map[event.PropertyID][]RollupRange{}
	}
	from, _ := m.RowsFrom(p)
	m.Kept[p] = WithRollups(m.Kept[p], RollupRange{From: from, To: until, Zone: zone, Last: lastRollup()})
	m.Rollups[p] = WithoutRollups(m.Rollups[p], math.MinInt64, until)
}

// lastRollup is the largest id in use.
func lastRollup() (last RollupID) {
	for _, r := range Rollups() {
		last = max(last, r.ID)
	}
	return last
}

// GoneError says that a plan needs rows that are not kept any more.
type GoneError struct {
	Property event.PropertyID
	// RowsFrom is from when on there are rows.
	RowsFrom event.Time
}

// Error implements error.
func (e *GoneError) Error() string {
	return fmt.Sprintf("rows of property %s from before %v are not kept any more, and prepared sums do not answer the plan",
		e.Property, e.RowsFrom.Std())
}

// CheckRows returns a *GoneError if p asks for days whose rows are gone and what it
// asks cannot be told from their cells. Adapters ask before anything is read, so that no
// answer is silently smaller than it was.
func (m *Manifest) CheckRows(p *Plan) error {
	from, gone := m.RowsFrom(p.Property)
	if !gone || p.From >= from || p.To <= p.From {
		return nil
	}
	r, ok := RollupFor(p)
	for _, kept := range m.Kept[p.Property] {
		ok = ok && r.ID <= kept.Last
	}
	if ok {
		_, ok = DayStart(p.From, p.Zone)
	}
	if ok && p.To < from {
		_, ok = DayStart(p.To, p.Zone)
	}
	if !ok {
		return &GoneError{Property: p.Property, RowsFrom: from}
	}
	return nil
}

// KeptDays returns the local times in [from, to) whose kept cells are of p, and from when
// on p reads rows; false if it reads rows alone. m.CheckRows has found that p can be
// answered. Days are asked for by name: in another zone the first rows can belong to a local
// day of which cells are kept, too, and where clocks differ by a day, all of such a day's.
func (m *Manifest) KeptDays(p *Plan) (from, to, rows event.Time, ok bool) {
	rowsFrom, gone := m.RowsFrom(p.Property)
	if !gone {
		return 0, 0, p.From, false
	}
	if p.From >= rowsFrom {
		kept := m.Kept[p.Property]
		if _, answers := RollupFor(p); !answers || kept[len(kept)-1].Zone == p.ZoneName || p.From >= rowsFrom+2*dayMicros {
			return 0, 0, p.From, false
		}
	}
	if from, ok = DayStart(p.From, p.Zone); !ok {
		return 0, 0, p.From, false
	}
	if to, ok = DayStart(p.To, p.Zone); !ok {
		to = math.MaxInt64
	}
	return from, to, max(p.From, min(rowsFrom, p.To)), true
}

const dayMicros = 24 * 60 * 60 * 1_000_000

// DayStart returns the midnight of local time with which the day begins whose
// first instant is t; false if t is no first instant of a day. Where clocks are put
// forward over midnight, the first instant is later on the clock.
func DayStart(t event.Time, z Zone) (event.Time, bool) {
	const edge = 400 * dayMicros // nearer to the ends of time there are no days
	if t < math.MinInt64+edge || t > math.MaxInt64-edge {
		return t, true
	}
	day := FloorDay(z.Local(t))
	return day, FloorDay(z.Local(t-1)) < day
}

// FloorDay returns the midnight before a local time, or at it.
func FloorDay(local event.Time) event.Time {
	return local - (local%dayMicros+dayMicros)%dayMicros
}

// Local returns what clocks show at t. t must not lie at the ends of time.
func (z Zone) Local(t event.Time) event.Time {
	offset := int64(0)
	for i, step := range z {
		if i == 0 || step.At <= t {
			offset = step.Offset
		}
	}
	return t + event.Time(offset)
}
