// Rollups: final days get their cells, a few days of each property at a time, whatever
// the reason why they have none: they just became final, their rows were changed, or
// the property's zone is another one now (S19, S29).
package pipeline

import (
	"context"
	"fmt"
	"math"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// rollUp makes cells until every final day has them.
func (p *Processor) rollUp(ctx context.Context) error {
	for ctx.Err() == nil {
		m := p.keeper.manifest()
		made := map[event.PropertyID]store.RollupRange{}
		var spans []store.RollupSpan
		for id, until := range m.FinalUntil {
			if span, r, ok := p.nextRollup(&m, id, until); ok {
				spans, made[id] = append(spans, span), r
			}
		}
		if len(spans) == 0 {
			return nil
		}
		change, err := p.deps.Store.RollUp(ctx, m, spans)
		if err != nil {
			return fmt.Errorf("make rollups: %w", err)
		}
		err = p.replace(ctx, change, func(_ state.Commit, m *state.Meta) error {
			for id, r := range made {
				m.Manifest.Rollups[id] = store.WithRollups(ofZone(m.Manifest.Rollups[id], r.Zone), r)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// zoneReach is more than any two clocks on earth differ by.
const zoneReach = 48 * time.Hour

// nextRollup finds the earliest final day of a property that has no cells, and
// the range that will have them then. Before the first final row there is nothing to
// make cells of, so the first range begins with time itself, or where rows begin.
func (p *Processor) nextRollup(m *store.Manifest, id event.PropertyID, until event.Time) (
	store.RollupSpan, store.RollupRange, bool) {
	none := func() (store.RollupSpan, store.RollupRange, bool) {
		return store.RollupSpan{}, store.RollupRange{}, false
	}
	name, _, ok := p.keeper.stepsOf(id, until-1, until)
	if !ok {
		return none() // its definition was not read in this run yet
	}
	// After a change of zone FinalUntil lies within a day, whose cells would lack its rest.
	until, _ = p.keeper.startOfDay(id, until)
	start, _ := m.RowsFrom(id)
	from, to := start, until
	for _, r := range ofZone(m.Rollups[id], name) {
		if r.From > from {
			to = min(to, r.From) // a gap
			break
		}
		from = r.To
	}
	if from >= until {
		return none()
	}
	r := store.RollupRange{From: from, To: to, Zone: name}
	first := firstFinal(m, id, from)
	if first < to {
		further := (daysAtOnce(m, store.FinalEvents) - 1) * 24 * time.Hour
		r.To = min(to, p.keeper.endOfDay(id, first.Add(further)))
	}
	span := store.RollupSpan{Property: id, From: max(from, min(first, firstCell(m, id, from), r.To-1)), To: r.To}
	if day, known := p.keeper.startOfDay(id, span.From); known {
		span.From = max(from, day)
	}
	if from == start {
		// Cells of another zone can carry an earlier day than the first row has now.
		span.From = span.From.Add(-zoneReach)
	}
	_, span.Zone, _ = p.keeper.stepsOf(id, span.From, span.To)
	return span, r, true
}

// firstFinal returns a time, not before from, before which the property has no
// final rows.
func firstFinal(m *store.Manifest, id event.PropertyID, from event.Time) event.Time {
	first := event.Time(math.MaxInt64)
	for i := range m.Segments {
		s := &m.Segments[i]
		if (s.Table == store.FinalEvents || s.Table == store.FinalSessions) &&
			s.MinProperty <= id && id <= s.MaxProperty && s.MaxTime >= from {
			first = min(first, max(s.MinTime, from))
		}
	}
	return first
}

// firstCell returns a time, not before from, before which the property has no cells. Those of days
// whose last row was erased must go too.
func firstCell(m *store.Manifest, id event.PropertyID, from event.Time) event.Time {
	first := event.Time(math.MaxInt64)
	for i := range m.Segments {
		s := &m.Segments[i]
		if s.Table == store.RollupCells && s.MinProperty <= id && id <= s.MaxProperty && s.MaxTime.Add(zoneReach) >= from {
			first = min(first, max(s.MinTime.Add(-zoneReach), from)) // cells name local times
		}
	}
	return first
}

// ofZone keeps the ranges whose days are of the zone.
func ofZone(ranges []store.RollupRange, zone string) []store.RollupRange {
	var out []store.RollupRange
	for _, r := range ranges {
		if r.Zone == zone {
			out = append(out, r)
		}
	}
	return out
}
