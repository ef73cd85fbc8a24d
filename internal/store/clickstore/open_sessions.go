// Open sessions: what keeps days from becoming final.
package clickstore

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// OpenSessions implements store.Keeper.
func (k *keeper) OpenSessions(ctx context.Context, finalThrough event.Time) (map[event.PropertyID]store.Open, error) {
	if err := k.ready(ctx); err != nil {
		return nil, fmt.Errorf("find open sessions: %w", err)
	}
	seen, err := k.s.visible(ctx)
	if err != nil {
		return nil, fmt.Errorf("find open sessions: %w", err)
	}
	out := map[event.PropertyID]store.Open{}
	err = k.s.query(ctx, fmt.Sprintf("SELECT property, min(event_time), max(event_time)\nFROM events\nWHERE %s AND event_time >= %s\nGROUP BY property",
		seen.condition(""), k.timeOf((*document).until)), func(d *decoder) {
		out[event.PropertyID(d.uint64())] = store.Open{MinTime: event.Time(d.int64()), MaxTime: event.Time(d.int64())}
	})
	if err != nil {
		return nil, fmt.Errorf("find young events: %w", queryError(err))
	}
	open := fmt.Sprintf("SELECT property, session, revision, start_time FROM sessions WHERE start_time < %s AND closes > %s "+
		"AND day <= %s AND counted AND NOT tombstone AND %s", micros(finalThrough), micros(finalThrough), sqlDay(dayOf(finalThrough)), seen.condition(""))
	err = k.s.query(ctx, fmt.Sprintf("WITH c AS (%s)\nSELECT property, min(start_time)\nFROM c\nWHERE (property, session, revision) IN (\n"+
		"    SELECT property, session, max(revision) FROM sessions\n    WHERE (property, session) IN (SELECT property, session FROM c) AND %s\n"+
		"    GROUP BY property, session)\nGROUP BY property", open, seen.condition("")), func(d *decoder) {
		p, start := event.PropertyID(d.uint64()), event.Time(d.int64())
		if o, ok := out[p]; ok {
			o.EarliestStart = start
			out[p] = o
		}
	})
	if err != nil {
		return nil, fmt.Errorf("find open sessions: %w", queryError(err))
	}
	return out, nil
}

// FirstFinal implements store.Keeper.
func (k *keeper) FirstFinal(ctx context.Context, p event.PropertyID, from, to event.Time) (event.Time, error) {
	if err := k.ready(ctx); err != nil {
		return 0, fmt.Errorf("find first final row: %w", err)
	}
	d := k.at.doc(p)
	first := to
	rows := func(table, column string) string {
		return fmt.Sprintf("SELECT min(%s) AS t FROM %s WHERE property = %s AND %s AND %s >= %s AND run IN %s HAVING count() > 0", column, table,
			propertyLiteral(p), days("", from, to), column, micros(max(from, d.rowsFrom())), numbers(d.runs(from, math.MaxInt64)))
	}
	sql := "SELECT min(t) FROM (" + rows(finalEventsTable, "event_time") + " UNION ALL " + rows(finalSessionsTable, "start_time") + ") HAVING count() > 0"
	if err := k.s.query(ctx, sql, func(dec *decoder) { first = min(first, event.Time(dec.int64())) }); err != nil {
		return 0, fmt.Errorf("find first final row: %w", queryError(err))
	}
	// Cells name local times, of any zone.
	for _, r := range slices.Concat(d.Cells, d.KeptCells) {
		if plus(r.Hi, zoneReach) > from {
			first = min(first, plus(r.Lo, -zoneReach))
		}
	}
	return max(first, from), nil
}

// zoneReach is more than any clock on earth differs from UTC.
const zoneReach = 24 * hourMicros
