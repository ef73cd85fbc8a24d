// Building rollups: cells of final days, made of their rows (T8).
//
// Grouping is the engine's work; sketches are made here, from the lists of users
// that it returns for each cell. The rows go through a table in memory, and sketches through a
// scratch file, so that they lie in order whatever rollup they are of.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// RollUp implements store.Store.
func (s *Store) RollUp(ctx context.Context, m store.Manifest, spans []store.RollupSpan) (*store.Change, error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	b := &rollupBuild{s: s, spans: spans, steps: stepsOf(spans)}
	if len(b.steps) == 0 {
		return nil, nil
	}
	var inputs []store.Segment
	for _, seg := range m.Segments {
		if b.reads(&seg) {
			inputs = append(append(inputs, seg), sketchesOf(m.Segments, seg)...)
		}
	}
	release, err := s.holdFiles(inputs)
	if err != nil {
		return nil, fmt.Errorf("roll up: %w", err)
	}
	defer release()
	change, err := b.build(ctx, inputs)
	if err != nil {
		return nil, fmt.Errorf("roll up: %w", err)
	}
	if len(change.Added) == 0 && len(change.Removed) == 0 {
		return nil, nil
	}
	return change, nil
}

// rollupStep is a part of a span within which local time is UTC + offset.
type rollupStep struct {
	property event.PropertyID
	lo, hi   event.Time
	offset   int64
}

func stepsOf(spans []store.RollupSpan) []rollupStep {
	var out []rollupStep
	for _, sp := range spans {
		zone := sp.Zone
		if len(zone) == 0 {
			zone = store.Zone{{}}
		}
		for i, step := range zone {
			at := rollupStep{property: sp.Property, lo: sp.From, hi: sp.To, offset: step.Offset}
			if i > 0 {
				at.lo = max(at.lo, step.At)
			}
			if i+1 < len(zone) {
				at.hi = min(at.hi, zone[i+1].At)
			}
			if at.lo < at.hi {
				out = append(out, at)
			}
		}
	}
	return out
}

// rollupBuild is one call of RollUp.
type rollupBuild struct {
	s     *Store
	spans []store.RollupSpan
	steps []rollupStep
	cells *cellSources
}

// reads tells whether a segment may hold final rows or cells of the spans.
func (b *rollupBuild) reads(seg *store.Segment) bool {
	cells := seg.Table == store.RollupCells
	if !cells && seg.Table != store.FinalEvents && seg.Table != store.FinalSessions {
		return false
	}
	return slices.ContainsFunc(b.steps, func(st rollupStep) bool {
		lo, hi := st.lo, st.hi
		if cells {
			lo, hi = st.localDays()
		}
		return st.property >= seg.MinProperty && st.property <= seg.MaxProperty && lo <= seg.MaxTime && seg.MinTime < hi
	})
}

// localDays returns the local times at which cells of the step can begin.
func (st rollupStep) localDays() (lo, hi event.Time) {
	return store.FloorDay(localOf(st.lo, st.offset)), localOf(st.hi, st.offset)
}

// localOf is local time at an offset; the ends of time stay where they are.
func localOf(t event.Time, offset int64) event.Time {
	switch sum := t + event.Time(offset); {
	case offset > 0 && sum < t, offset < 0 && sum > t:
		return t
	default:
		return sum
	}
}

func (b *rollupBuild) build(ctx context.Context, inputs []store.Segment) (_ *store.Change, err error) {
	byTable := map[store.Table][]store.Segment{}
	for _, seg := range inputs {
		byTable[seg.Table] = append(byTable[seg.Table], seg)
	}
	b.cells = b.s.newCellSources()
	defer func() { err = errors.Join(err, b.cells.close(ctx)) }()
	change := &store.Change{}
	var specs []segmentSpec
	for _, seg := range byTable[store.RollupCells] {
		spec, changed, err := b.without(ctx, seg, inputs)
		if err != nil {
			return nil, err
		}
		if changed {
			change.Removed = append(change.Removed, idsOf(seg, sketchesOf(inputs, seg))...)
			specs = append(specs, spec)
		}
	}
	table, err := b.fill(ctx, byTable)
	if err != nil {
		return nil, err
	}
	specs = append(specs, segmentSpec{table: store.RollupCells, query: "SELECT * FROM " + table, cells: b.cells})
	change.Added, err = b.s.writeSpecs(ctx, b.s.writer, specs)
	return change, err
}

// idsOf returns the numbers of a segment and of its sketches.
func idsOf(cells store.Segment, sketches []store.Segment) []uint64 {
	ids := []uint64{cells.ID}
	for _, seg := range sketches {
		ids = append(ids, seg.ID)
	}
	return ids
}

// without renders a segment of cells less those of the spans, and tells whether
// there are any.
func (b *rollupBuild) without(ctx context.Context, seg store.Segment, all []store.Segment) (segmentSpec, bool, error) {
	from := readParquet(b.s.paths([]store.Segment{seg}))
	covered := make([]string, 0, len(b.steps))
	for _, st := range b.steps {
		lo, hi := st.localDays()
		covered = append(covered, fmt.Sprintf("(%s, %s, %s)", propertyLiteral(st.property), micros(lo), micros(hi)))
	}
	with := "WITH covered(property, lo, hi) AS (VALUES " + strings.Join(covered, ", ") + ") "
	join := "covered ON c.property = covered.property AND c.start_time >= covered.lo AND c.start_time < covered.hi"
	changed := false
	err := b.s.writer.run(ctx, with+"SELECT count(*) FROM "+from+" c SEMI JOIN "+join, func(r *result) error {
		changed = r.int64(0, 0) > 0
		return nil
	})
	if err != nil || !changed {
		return segmentSpec{}, false, err
	}
	rows, err := b.cells.rows(ctx, seg, all)
	return segmentSpec{table: store.RollupCells, level: seg.Level, cells: b.cells,
		query: with + "SELECT c.* FROM " + rows + " c ANTI JOIN " + join}, true, err
}

// fill makes a table of all cells and returns its name. Their sketches are in the pile.
func (b *rollupBuild) fill(ctx context.Context, inputs map[store.Table][]store.Segment) (string, error) {
	cn, err := b.s.writer.get()
	if err != nil {
		return "", err
	}
	defer b.s.writer.put(cn)
	table, w, err := b.cells.table(ctx, cn, b.s.schema.ddl(store.RollupCells)+", source UINTEGER")
	if err != nil {
		return "", err
	}
	defer w.close()
	for _, relation := range []store.Relation{store.Events, store.Sessions} {
		if err := b.fillFrom(ctx, w, relation, inputs[sourceTable(relation)]); err != nil {
			return "", err
		}
	}
	return table, w.flush()
}

func sourceTable(r store.Relation) store.Table {
	if r == store.Sessions {
		return store.FinalSessions
	}
	return store.FinalEvents
}

// fillFrom appends the cells of all rollups of a relation. Its rows are read once,
// into a table in memory: they are asked for by every rollup.
func (b *rollupBuild) fillFrom(ctx context.Context, w *chunkWriter, relation store.Relation,
	segs []store.Segment) (err error) {
	if len(segs) == 0 {
		return nil
	}
	src := fmt.Sprintf("rollup_rows_%d", b.s.nextID.Add(1))
	q := fmt.Sprintf("CREATE TABLE %s AS %s", src, b.rows(relation, readParquet(b.s.paths(segs))))
	if err := b.s.writer.exec(ctx, q); err != nil {
		return fmt.Errorf("read final rows: %w", err)
	}
	defer func() {
		err = errors.Join(err, b.s.writer.exec(context.WithoutCancel(ctx), "DROP TABLE "+src))
	}()
	empty := true
	err = b.s.writer.run(ctx, "SELECT 1 FROM "+src+" LIMIT 1", func(r *result) error {
		empty = r.rows == 0
		return nil
	})
	if err != nil || empty {
		return err
	}
	pile, err := b.cells.piled()
	if err != nil {
		return err
	}
	for _, r := range store.Rollups() {
		if r.Relation != relation {
			continue
		}
		if err := b.s.writer.run(ctx, cellsQuery(&r, src), func(res *result) error {
			return appendCells(w, pile, &r, res)
		}); err != nil {
			return fmt.Errorf("cells of %s: %w", r.Name, err)
		}
	}
	return nil
}

// rows renders what cells of a relation are made of: the days' rows, with the
// local day and hour in which each lies.
func (b *rollupBuild) rows(relation store.Relation, source string) string {
	time := timeColumn(sourceTable(relation))
	steps := make([]string, 0, len(b.steps))
	lo, hi := b.steps[0].lo, b.steps[0].hi
	for _, st := range b.steps {
		lo, hi = min(lo, st.lo), max(hi, st.hi)
		steps = append(steps, fmt.Sprintf("(%s, %s, %s, CAST(%d AS BIGINT))", propertyLiteral(st.property),
			micros(st.lo), micros(st.hi), st.offset))
	}
	local := "(f." + time + " + step.offset_us)"
	columns := []string{"f.property",
		fmt.Sprintf("%s * %d AS day", floorDiv(local, dayMicros), int64(dayMicros)),
		fmt.Sprintf("%s * %d AS hour", floorDiv(local, hourMicros), int64(hourMicros))}
	for _, c := range rollupColumns(relation) {
		columns = append(columns, "f."+string(c))
	}
	where := "f.verdict = ''"
	if relation == store.Sessions {
		columns = append(columns, "f.engaged", "f.end_time - f.start_time AS duration_us")
		where += " AND f.counted"
	} else {
		columns = append(columns, "f.client", "f.active", "f.page_view", "f.key_event", "f.first_event",
			"f.engagement_ms", "f.value_micros")
	}
	return fmt.Sprintf("WITH step(property, lo, hi, offset_us) AS (VALUES %s)\nSELECT %s FROM %s f "+
		"JOIN step ON f.property = step.property AND f.%[4]s >= step.lo AND f.%[4]s < step.hi "+
		"WHERE f.%[4]s >= %[5]s AND f.%[4]s < %[6]s AND %[7]s", strings.Join(steps, ", "),
		strings.Join(columns, ", "), source, time, micros(lo), micros(hi), where)
}

// rollupColumns lists the columns that any rollup of the relation groups by.
func rollupColumns(relation store.Relation) []store.Column {
	var out []store.Column
	for _, r := range store.Rollups() {
		for _, c := range r.Dimensions {
			if r.Relation == relation && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// cellsQuery renders the cells of r: property, start, its dimensions, the counts,
// and for events two lists of users.
func cellsQuery(r *store.Rollup, src string) string {
	columns, keys := []string{"property", "day AS start_time"}, []string{"property", "start_time"}
	if r.Hourly {
		columns[1] = "hour AS start_time"
	}
	for i, d := range r.Dimensions {
		columns = append(columns, fmt.Sprintf("%s AS %s", d, cellDim(i)))
		keys = append(keys, cellDim(i))
	}
	where := "true"
	if r.Names != nil {
		where = "event_name IN " + inList(r.Names)
	}
	by := strings.Join(keys, ", ")
	if r.Relation == store.Sessions {
		return fmt.Sprintf("SELECT %[1]s, count(*), count(*) FILTER (engaged), CAST(sum(duration_us) AS BIGINT) "+
			"FROM (SELECT %[2]s, engaged, duration_us FROM %[3]s WHERE %[4]s) GROUP BY %[1]s",
			by, strings.Join(columns, ", "), src, where)
	}
	return fmt.Sprintf("WITH per AS (SELECT %[1]s, client, count(*) AS n, count(*) FILTER (page_view) AS page_view, "+
		"count(*) FILTER (key_event) AS key_event, count(*) FILTER (first_event) AS first_event, "+
		"sum(engagement_ms) AS engagement_ms, sum(value_micros) AS value_micros, bool_or(active) AS active "+
		"FROM (SELECT %[2]s, client, page_view, key_event, first_event, engagement_ms, value_micros, active "+
		"FROM %[3]s WHERE %[4]s) GROUP BY %[1]s, client)\n"+
		"SELECT %[1]s, CAST(sum(n) AS BIGINT), CAST(sum(page_view) AS BIGINT), CAST(sum(key_event) AS BIGINT), "+
		"CAST(sum(first_event) AS BIGINT), CAST(sum(engagement_ms) AS BIGINT), CAST(sum(value_micros) AS BIGINT), "+
		"coalesce(list(client) FILTER (active), CAST([] AS UBIGINT[])), "+
		"coalesce(list(client) FILTER (NOT active), CAST([] AS UBIGINT[])) FROM per GROUP BY %[1]s",
		by, strings.Join(columns, ", "), src, where)
}

// inList renders texts as a list to compare with.
func inList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// appendCells writes one chunk of query's rows as cells, and their sketches into the pile.
func appendCells(w *chunkWriter, pile *sketchWriter, r *store.Rollup, res *result) error {
	first := 2 + len(r.Dimensions) // column of the counts
	var buf []byte
	var users sketch.Users
	for i := range res.rows {
		w.uint64(res.uint64(0, i))
		w.uint8(uint8(r.ID))
		for d := range store.RollupColumns {
			if d < len(r.Dimensions) {
				w.text(res.text(2+d, i))
			} else {
				w.text("")
			}
		}
		w.int64(res.int64(1, i))
		w.int64(res.int64(first, i))
		if r.Relation == store.Sessions {
			writeZeros(w, len(cellNumbers(store.Events)))
			w.int64(res.int64(first+1, i))
			w.int64(res.int64(first+2, i))
			writeZeros(w, 2)
			cellPlace{}.write(w, nil)
		} else {
			for k := range cellNumbers(store.Events) {
				w.int64(res.int64(first+1+k, i))
			}
			writeZeros(w, len(cellNumbers(store.Sessions)))
			active := res.list(first+6, i)
			passive := res.list(first+7, i)
			w.int64(int64(len(active) + len(passive)))
			w.int64(int64(len(active)))
			buf = sketchOf(buf[:0], &users, active)
			first := len(buf)
			buf = sketchOf(buf, &users, passive)
			p, err := pile.add(buf, first)
			if err != nil {
				return err
			}
			p.write(w, buf)
		}
		w.uint32(pileNumber)
		if err := w.endRow(); err != nil {
			return err
		}
	}
	return nil
}

func writeZeros(w *chunkWriter, n int) {
	for range n {
		w.int64(0)
	}
}

// sketchOf appends the sketch of ids to dst; u is reused.
func sketchOf(dst []byte, u *sketch.Users, ids []uint64) []byte {
	u.Reset()
	for _, id := range ids {
		u.Add(id)
	}
	return u.AppendBinary(dst)
}
