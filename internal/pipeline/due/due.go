// What is due.
package due

import (
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// FinalThrough returns what finality is measured by, from the slowest partition's clock: no event before it can come
// any more. Zero if the clock is.
func FinalThrough(clock event.Time) event.Time {
	if clock == 0 {
		return 0
	}
	return clock.Add(-event.FinalLag - event.ClockJitter)
}

// Final returns up to which ends of days properties can become final now (S28), of each property at most so many days.
func Final(m *store.Manifest, open map[event.PropertyID]store.Open, through event.Time, days int, zones *Zones) map[event.PropertyID]event.Time {
	until := map[event.PropertyID]event.Time{}
	further := time.Duration(days-1) * 24 * time.Hour
	for id, o := range open {
		if o.MinTime >= through {
			continue
		}
		bound := min(through, zones.EndOfDay(id, max(o.MinTime, m.FinalUntil[id]).Add(further)))
		if o.EarliestStart != 0 {
			bound = min(bound, o.EarliestStart)
		}
		day, known := zones.StartOfDay(id, bound)
		if known && day > m.FinalUntil[id] && o.MinTime < day {
			until[id] = day
		}
	}
	return until
}

// First returns a time, not before from and not after to, before which the property has neither final rows nor cells.
type First func(id event.PropertyID, from, to event.Time) (event.Time, error)

// zoneReach is more than any two clocks on earth differ by.
const zoneReach = 48 * time.Hour

// Rollup finds the earliest final days of a property that have no cells, at most so many, and
// the range that will have them then; false if there are none. Before the first final row there is nothing to
// make cells of, so the first range begins with time itself, or where rows begin.
func Rollup(m *store.Manifest, id event.PropertyID, days int, zones *Zones, firstOf First) (
	span store.RollupSpan, r store.RollupRange, ok bool, err error) {
	until, final := m.FinalUntil[id]
	name, _, known := zones.Steps(id, until-1, until)
	if !final || !known { // its definition was not read in this run yet
		return span, r, false, nil
	}
	// After a change of zone FinalUntil lies within a day, whose cells would lack its rest.
	until, _ = zones.StartOfDay(id, until)
	start, _ := m.RowsFrom(id)
	from, to := start, until
	for _, r := range store.OfZone(m.Rollups[id], name) {
		if r.From > from {
			to = min(to, r.From) // a gap
			break
		}
		from = r.To
	}
	if from >= until {
		return span, r, false, nil
	}
	first, err := firstOf(id, from, to)
	if err != nil {
		return span, r, false, err
	}
	r = store.RollupRange{From: from, To: to, Zone: name}
	if first < to {
		r.To = min(to, zones.EndOfDay(id, first.Add(time.Duration(days-1)*24*time.Hour)))
	}
	span = store.RollupSpan{Property: id, From: max(from, min(first, r.To-1)), To: r.To}
	if day, known := zones.StartOfDay(id, span.From); known {
		span.From = max(from, day)
	}
	if from == start {
		// Cells of another zone can carry an earlier day than the first row has now.
		span.From = span.From.Add(-zoneReach)
	}
	_, span.Zone, _ = zones.Steps(id, span.From, span.To)
	return span, r, true, nil
}

// Drop finds the days of a property whose rows are due, when they are kept for so many days: the clock is the one by which
// days become final, so that a machine whose clock jumps drops nothing that is young.
func Drop(m *store.Manifest, id event.PropertyID, days int, clock event.Time, zones *Zones, firstOf First) (
	span store.RollupSpan, zone string, ok bool, err error) {
	final, isFinal := m.FinalUntil[id]
	if days <= 0 || !isFinal {
		return span, "", false, nil
	}
	due, known := zones.DaysBefore(id, clock, days)
	if !known { // its definition was not read in this run yet
		return span, "", false, nil
	}
	zone, _, _ = zones.Steps(id, final-1, final)
	to, ok := m.Droppable(id, zone, due)
	if !ok {
		return span, "", false, nil
	}
	from, _ := m.RowsFrom(id)
	first, err := firstOf(id, from, to)
	if err != nil {
		return span, "", false, err
	}
	span = store.RollupSpan{Property: id, From: min(first, to-1), To: to}
	_, span.Zone, _ = zones.Steps(id, span.From, to)
	return span, zone, true, nil
}
