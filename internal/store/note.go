// Notes: what each step of upkeep changes in a Manifest, whoever does the step.
package store

import (
	"maps"
	"math"
	"slices"

	"tidemark/internal/event"
)

// Clone returns a copy with maps of its own.
func (m *Manifest) Clone() Manifest {
	out := Manifest{Segments: slices.Clone(m.Segments), FinalUntil: maps.Clone(m.FinalUntil), DayVersion: maps.Clone(m.DayVersion),
		Rollups: maps.Clone(m.Rollups), Kept: maps.Clone(m.Kept), Finals: maps.Clone(m.Finals), Restated: maps.Clone(m.Restated)}
	if out.FinalUntil == nil {
		out.FinalUntil = map[event.PropertyID]event.Time{}
	}
	if out.DayVersion == nil {
		out.DayVersion = map[event.PropertyID]uint64{}
	}
	if out.Rollups == nil {
		out.Rollups = map[event.PropertyID][]RollupRange{}
	}
	return out
}

// NoteFinal notes that days are final up to until. m's maps must be its own, here and below.
func (m *Manifest) NoteFinal(until map[event.PropertyID]event.Time) {
	for p, t := range until {
		m.FinalUntil[p] = t
		m.DayVersion[p]++
	}
}

// NoteRollup notes days that have cells now. Those of another zone are given up: where days of two zones meet,
// a cell would lack a part.
func (m *Manifest) NoteRollup(p event.PropertyID, made RollupRange) {
	m.Rollups[p] = WithRollups(OfZone(m.Rollups[p], made.Zone), made)
}

// NoteErased notes, for a shared store, that rows of p were erased, whose first and last lie in the local days
// [days.From, days.To).
func (m *Manifest) NoteErased(p event.PropertyID, days Restated) {
	if days, final := m.LoseRows(p, days); final {
		if m.Restated == nil {
			m.Restated = map[event.PropertyID][]Restated{}
		}
		m.Restated[p] = append(slices.Clone(m.Restated[p]), days)
	}
}

// LoseRows is NoteErased without the note, which it returns; false if no final day has lost rows.
func (m *Manifest) LoseRows(p event.PropertyID, days Restated) (Restated, bool) {
	m.DayVersion[p]++
	// A session can have begun on a day that has no rows any more: its cells stay.
	if rowsFrom, gone := m.RowsFrom(p); gone {
		days.From = max(days.From, rowsFrom)
	}
	until, final := m.FinalUntil[p]
	if days.To = min(days.To, until); !final || days.From >= days.To {
		return days, false // young days only: nothing that was final has changed
	}
	m.Rollups[p] = WithoutRollups(m.Rollups[p], days.From, days.To)
	return days, true
}

// CellsZone returns the zone of the cells that all days of p have from where its rows begin up to
// until; false if not all have some.
func (m *Manifest) CellsZone(p event.PropertyID, until event.Time) (string, bool) {
	from, gone := m.RowsFrom(p)
	if !gone {
		from = math.MinInt64
	}
	for _, r := range m.Rollups[p] {
		if r.From <= from && until <= r.To {
			return r.Zone, true
		}
	}
	return "", false
}

// OfZone returns the ranges whose days are of the zone.
func OfZone(ranges []RollupRange, zone string) []RollupRange {
	var out []RollupRange
	for _, r := range ranges {
		if r.Zone == zone {
			out = append(out, r)
		}
	}
	return out
}
