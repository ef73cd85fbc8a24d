// Retention: rows of final days go, and their cells stay (S30, T11).
package clickstore

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// DropRows implements store.Keeper. Answers do without the rows from the commit on; Tidy removes
// them when no snapshot can need them any more.
func (k *keeper) DropRows(ctx context.Context, spans []store.RollupSpan) error {
	if err := k.ready(ctx); err != nil {
		return fmt.Errorf("drop rows: %w", err)
	}
	m := k.at.manifestCopy()
	changed := map[event.PropertyID]*document{}
	for _, sp := range spans {
		p := sp.Property
		from, gone := m.RowsFrom(p)
		if gone && sp.To <= from {
			continue
		}
		until, final := m.FinalUntil[p]
		zone, ok := m.CellsZone(p, sp.To)
		localTo, isDay := store.DayStart(sp.To, sp.Zone)
		switch {
		case !final || sp.To > until:
			return fmt.Errorf("drop rows of property %s: days before %v are not final", p, sp.To.Std())
		case !ok:
			return fmt.Errorf("drop rows of property %s: not all days before %v have cells of one zone", p, sp.To.Std())
		case !isDay:
			return fmt.Errorf("drop rows of property %s: no day begins at %v", p, sp.To.Std())
		}
		d := k.at.doc(p).clone()
		d.note(p, func(m *store.Manifest) { m.WithoutRows(p, sp.To, zone) })
		// Cells of days before the first with rows are not kept: they were made in another zone, when these
		// days had rows, and nothing has read them since.
		since := event.Time(math.MinInt64)
		if gone {
			since = store.FloorDay(sp.Zone.Local(from))
		}
		d.KeptCells = append(slices.Clone(d.KeptCells), cellsWithin(d.Cells, since, localTo)...)
		d.Cells = withoutCells(d.Cells, math.MinInt64, localTo)
		d.Dropped = true
		// A session that began there may have events behind the border.
		d.Finals = slices.DeleteFunc(slices.Clone(d.Finals), func(r store.FinalRange) bool { return plus(r.To, sessionSpan) <= sp.To })
		changed[p] = d
	}
	if len(changed) == 0 {
		return nil
	}
	if err := k.commit(ctx, changed); err != nil {
		return fmt.Errorf("drop rows: %w", err)
	}
	return nil
}

// cellsWithin returns what of ranges lies in the local times [lo, hi).
func cellsWithin(ranges []cellRange, lo, hi event.Time) []cellRange {
	return withoutCells(withoutCells(ranges, math.MinInt64, lo), hi, math.MaxInt64)
}
