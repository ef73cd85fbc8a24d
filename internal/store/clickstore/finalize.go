// Finalization: young rows become final rows, once (S28).
//
// Rows go in under a run that no document names, so nobody reads them; the commit names it. An
// attempt that failed leaves a run that is never named (Tidy removes its rows), and the next
// one takes another. So nothing here needs to be known as repeated.
package clickstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// rowsAtOnce bounds the events whose sessions are joined by one statement, if they are of several
// log partitions. All rows of a client are of one.
const rowsAtOnce = 2_000_000

// daySpan is days of properties that have the same borders: from <= t < to.
type daySpan struct {
	from, to   event.Time
	properties []event.PropertyID
}

// Finalize implements store.Keeper.
func (k *keeper) Finalize(ctx context.Context, until map[event.PropertyID]event.Time) error {
	if err := k.ready(ctx); err != nil {
		return fmt.Errorf("finalize: %w", err)
	}
	spans := k.spansOf(until)
	if len(spans) == 0 {
		return nil
	}
	seen, err := k.s.visible(ctx)
	if err != nil {
		return fmt.Errorf("finalize: %w", err)
	}
	run, err := k.s.beginRun(ctx, spans)
	if err != nil {
		return fmt.Errorf("finalize: %w", err)
	}
	for i := range spans {
		if err := k.writeFinal(ctx, &spans[i], seen, run); err != nil {
			return fmt.Errorf("finalize: %w", err)
		}
	}
	found, err := k.s.rangesOf(ctx, run, spans)
	if err != nil {
		return fmt.Errorf("finalize: %w", err)
	}
	changed := map[event.PropertyID]*document{}
	for _, sp := range spans {
		for _, p := range sp.properties {
			d := k.at.doc(p).clone()
			d.note(p, func(m *store.Manifest) { m.NoteFinal(map[event.PropertyID]event.Time{p: sp.to}) })
			if first, ok := found[p]; ok {
				d.Finals = append(slices.Clone(d.Finals), store.FinalRange{From: max(sp.from, first), To: sp.to, Run: run, Edition: 1})
			}
			changed[p] = d
		}
	}
	if err := k.commit(ctx, changed); err != nil {
		return fmt.Errorf("finalize: %w", err)
	}
	return nil
}

// spansOf lists what becomes final, properties of the same days together.
func (k *keeper) spansOf(until map[event.PropertyID]event.Time) []daySpan {
	var out []daySpan
	for _, p := range slices.Sorted(maps.Keys(until)) {
		from, to := k.at.doc(p).until(), until[p]
		if from >= to {
			continue
		}
		i := slices.IndexFunc(out, func(s daySpan) bool { return s.from == from && s.to == to })
		if i < 0 {
			i, out = len(out), append(out, daySpan{from: from, to: to})
		}
		out[i].properties = append(out[i].properties, p)
	}
	return out
}

// beginRun notes a new run and its days, before it has any row.
func (s *Store) beginRun(ctx context.Context, spans []daySpan) (uint64, error) {
	run := rand.Uint64()
	from, to := event.Time(math.MaxInt64), event.Time(math.MinInt64)
	for _, sp := range spans {
		from, to = min(from, sp.from), max(to, sp.to)
	}
	return run, s.noteRun(ctx, run, from, to)
}

// noteRun says that somebody is at work on a run: as long as that is said again, it is not tidied up.
func (s *Store) noteRun(ctx context.Context, run uint64, from, to event.Time) error {
	row := appendUint64(nil, run)
	row = appendUint32(appendUint32(row, uint32(dayOf(from))), uint32(dayOf(to)))
	if err := s.insertPlain(ctx, runsTable, row); err != nil {
		return fmt.Errorf("note a run: %w", err)
	}
	return nil
}

// propertyList renders properties as a list to compare with.
func propertyList(list []event.PropertyID) string { return numbers(list) }

// writeFinal writes the final rows of a span, some log partitions at a time.
func (k *keeper) writeFinal(ctx context.Context, sp *daySpan, seen visible, run uint64) error {
	f := &finalRows{s: k.s, at: k.at, span: sp, seen: seen}
	chunks, err := f.chunks(ctx)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		for _, t := range []store.Table{store.FinalSessions, store.FinalEvents} {
			sql, err := f.selection(t, c.partitions, inserted(run))
			if err != nil {
				return err
			}
			if err := k.s.write(ctx, "INSERT INTO "+string(t)+" ("+columnsOf(string(t))+")\n"+sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk is log partitions whose rows go together.
type chunk struct {
	partitions []uint16
	rows       uint64
}

// partitionsOf puts log partitions together that have few rows. sql has a partition and its number
// of rows.
func (s *Store) partitionsOf(ctx context.Context, sql string) ([]chunk, error) {
	var out []chunk
	err := s.query(ctx, "SELECT batch_partition, sum(n) FROM ("+sql+") GROUP BY batch_partition ORDER BY batch_partition", func(d *decoder) {
		p, n := d.uint16(), d.uint64()
		if i := len(out) - 1; i >= 0 && out[i].rows+n <= rowsAtOnce && s.cfg.Cluster == "" {
			out[i].partitions, out[i].rows = append(out[i].partitions, p), out[i].rows+n
		} else {
			out = append(out, chunk{[]uint16{p}, n})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("find log partitions: %w", queryError(err))
	}
	return out, nil
}

// within renders that a time of a row lies in the span, or so far around it.
func (sp *daySpan) within(alias, column string, margin int64) string {
	from, to := plus(sp.from, -margin), plus(sp.to, margin)
	return fmt.Sprintf("%s AND %s%s >= %s AND %s%s < %s", days(alias, from, plus(to, -1)), alias, column, micros(from), alias, column, micros(to))
}

// of renders that a row is of the span's properties, and of a published batch of these log
// partitions.
func (sp *daySpan) of(alias string, seen visible, chunk []uint16) string {
	return fmt.Sprintf("%sproperty IN %s AND %s AND %sbatch_partition IN (%s)", alias, propertyList(sp.properties),
		seen.condition(alias), alias, joinUints(chunk))
}

func joinUints[T ~uint8 | ~uint16](list []T) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(int(n))
	}
	return strings.Join(texts, ", ")
}

// rangesOf returns, for each property that has rows of a run, the time of the first.
func (s *Store) rangesOf(ctx context.Context, run uint64, spans []daySpan) (map[event.PropertyID]event.Time, error) {
	lo := slices.MinFunc(spans, func(a, b daySpan) int { return cmp.Compare(a.from, b.from) }).from
	hi := slices.MaxFunc(spans, func(a, b daySpan) int { return cmp.Compare(a.to, b.to) }).to
	rows := func(table, column string) string {
		return fmt.Sprintf("SELECT property, min(%s) AS t FROM %s WHERE %s AND run = %d GROUP BY property", column, table, days("", lo, plus(hi, -1)), run)
	}
	out := map[event.PropertyID]event.Time{}
	sql := "SELECT property, min(t) FROM (" + rows(finalEventsTable, "event_time") + " UNION ALL " + rows(finalSessionsTable, "start_time") + ") GROUP BY property"
	if err := s.query(ctx, sql, func(d *decoder) { out[event.PropertyID(d.uint64())] = event.Time(d.int64()) }); err != nil {
		return nil, fmt.Errorf("look at a run: %w", queryError(err))
	}
	return out, nil
}

// write runs an INSERT of what it selects.
func (s *Store) write(ctx context.Context, sql string) error {
	set := s.querySettings()
	for name, v := range s.insertSettings() {
		set[name] = v
	}
	for name, v := range limited(keepTimeout) {
		set[name] = v
	}
	set["insert_deduplicate"] = "0"
	set["max_partitions_per_insert_block"] = "0"
	set["max_insert_block_size"], set["min_insert_block_size_rows"] = "1000000", "1000000"
	set["max_bytes_before_external_group_by"] = fmt.Sprint(s.cfg.QueryMemory / 2)
	return s.client.do(ctx, request{sql: sql, settings: set, timeout: keepTimeout}, nil)
}
