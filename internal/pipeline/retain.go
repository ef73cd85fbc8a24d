// Retention: once a property's days are older than it keeps rows, the rows go by whole
// days, in one commit that says from when on there are rows (S30). What prepared sums know
// of the days stays.
package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// RowDays tells for how many local days properties keep rows. What it does not name
// is kept for ever.
type RowDays func(ctx context.Context) (map[event.PropertyID]int, error)

// dropRows drops the rows that are due. It comes after rollUp: only days that have
// cells may lose their rows.
func (p *Processor) dropRows(ctx context.Context) error {
	clock := p.keeper.slowestClock()
	if p.deps.RowDays == nil || clock == 0 {
		return nil
	}
	days, err := p.deps.RowDays(ctx)
	if err != nil {
		return fmt.Errorf("ask for how long rows are kept: %w", err)
	}
	m := p.keeper.manifest()
	var spans []store.RollupSpan
	zones := map[event.PropertyID]string{}
	for _, id := range slices.Sorted(maps.Keys(days)) {
		span, zone, ok, err := due.Drop(&m, id, days[id], clock, p.keeper.zones, firstOf(&m))
		if err != nil {
			return err
		}
		if ok {
			spans, zones[id] = append(spans, span), zone
		}
	}
	if len(spans) == 0 {
		return nil
	}
	p.deps.step("drop rows")
	change, err := p.deps.Store.DropRows(ctx, m, spans)
	if err != nil {
		return fmt.Errorf("drop rows: %w", err)
	}
	err = p.replace(ctx, change, func(_ state.Commit, m *state.Meta) error {
		for _, span := range spans {
			m.Manifest.WithoutRows(span.Property, span.To, zones[span.Property])
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.deps.Logger.Info("rows of old days were dropped", "properties", len(spans))
	return nil
}
