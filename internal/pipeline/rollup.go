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
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// rollUp makes cells until every final day has them.
func (p *Processor) rollUp(ctx context.Context) error {
	for ctx.Err() == nil {
		m := p.keeper.manifest()
		made := map[event.PropertyID]store.RollupRange{}
		var spans []store.RollupSpan
		for id := range m.FinalUntil {
			span, r, ok, err := due.Rollup(&m, id, daysAtOnce(&m, store.FinalEvents), p.keeper.zones, firstOf(&m))
			if err != nil {
				return err
			}
			if ok {
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
				m.Manifest.NoteRollup(id, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// firstOf looks into the segments of m.
func firstOf(m *store.Manifest) due.First {
	return func(id event.PropertyID, from, to event.Time) (event.Time, error) {
		return min(firstFinal(m, id, from), firstCell(m, id, from), to), nil
	}
}

// zoneReach is more than any two clocks on earth differ by.
const zoneReach = 48 * time.Hour

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
