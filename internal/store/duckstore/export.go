// Export: final rows as Parquet files for other programs, and back (store.Export). The
// columns are those of segments but for the property, which the file's place tells,
// and for times, which are TIMESTAMP columns in UTC there.
package duckstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var (
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
)

// exportName is the directory, below the one that Open empties, of files on their way
// out or in.
const exportName = "archive"

// export is pinned final segments of a property.
type export struct {
	store    *Store
	property event.PropertyID
	state    store.FinalState
	isFinal  bool
	segments map[store.Table][]store.Segment
	release  func()
}

// Export implements store.Exporter.
func (s *Store) Export(_ context.Context, p event.PropertyID) (store.Export, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	// A manifest may be replaced between looking at it and holding its files.
	for try := 0; ; try++ {
		s.mu.Lock()
		m := cloneManifest(*s.manifest)
		s.mu.Unlock()
		e := &export{store: s, property: p, segments: map[store.Table][]store.Segment{}}
		e.state, e.isFinal = m.StateOf(p)
		var all []store.Segment
		for _, seg := range m.Segments {
			isFinal := seg.Table == store.FinalEvents || seg.Table == store.FinalSessions
			if isFinal && seg.MinProperty <= p && p <= seg.MaxProperty {
				e.segments[seg.Table] = append(e.segments[seg.Table], seg)
				all = append(all, seg)
			}
		}
		if e.release, err = s.holdFiles(all); err == nil {
			return e, nil
		}
		if try == 2 {
			return nil, fmt.Errorf("pin final rows of property %s: %w", p, err)
		}
	}
}

// State implements store.Export.
func (e *export) State() (store.FinalState, bool) { return e.state, e.isFinal }

// Release implements store.Export.
func (e *export) Release() { e.release() }

// firstLook is how far FirstRow looks at first. It is asked once for each day, so it must not
// read what lies behind the next one.
const firstLook = event.Time(36 * time.Hour / time.Microsecond)

// FirstRow implements store.Export.
func (e *export) FirstRow(ctx context.Context, from event.Time) (first event.Time, found bool, err error) {
	lo, end := event.Time(math.MaxInt64), from
	for _, t := range finalTables() {
		for _, seg := range between(e.segments[t], from, math.MaxInt64) {
			lo, end = min(lo, max(from, seg.MinTime)), max(end, seg.MaxTime+1)
		}
	}
	for look := firstLook; !found && lo < end; look *= 2 {
		hi := min(end, lo+look)
		for _, t := range finalTables() {
			at, any, err := e.firstIn(ctx, t, lo, hi)
			if err != nil {
				return 0, false, fmt.Errorf("find first final row: %w", err)
			}
			if any && (!found || at < first) {
				first, found = at, true
			}
		}
		lo = hi
	}
	return first, found, nil
}

func (e *export) firstIn(ctx context.Context, t store.Table, from, to event.Time) (first event.Time, found bool, err error) {
	segs := between(e.segments[t], from, to)
	if len(segs) == 0 {
		return 0, false, nil
	}
	q := fmt.Sprintf("SELECT count(*), coalesce(min(%s), 0) FROM %s WHERE %s", timeColumn(t), readParquet(e.store.paths(segs)), e.rowsIn(t, from, to))
	err = e.run(ctx, q, func(r *result) { first, found = event.Time(r.int64(1, 0)), r.int64(0, 0) > 0 })
	return first, found, err
}

// Count implements store.Export.
func (e *export) Count(ctx context.Context, t store.Table, from, to event.Time) (n int64, err error) {
	segs := between(e.segments[t], from, to)
	if len(segs) == 0 {
		return 0, nil
	}
	q := fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", readParquet(e.store.paths(segs)), e.rowsIn(t, from, to))
	if err := e.run(ctx, q, func(r *result) { n = r.int64(0, 0) }); err != nil {
		return 0, fmt.Errorf("count final rows: %w", err)
	}
	return n, nil
}

func (e *export) run(ctx context.Context, q string, f func(*result)) error {
	leave, err := e.store.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := e.store.whileOpen(ctx)
	defer cancel()
	return e.store.writer.run(ctx, q, func(r *result) error { f(r); return nil })
}

func (e *export) rowsIn(t store.Table, from, to event.Time) string {
	return fmt.Sprintf("property = %[2]s AND %[1]s >= %[3]s AND %[1]s < %[4]s", timeColumn(t), propertyLiteral(e.property), micros(from), micros(to))
}

// Write implements store.Export. It takes its turn among what needs much of the writer's memory.
func (e *export) Write(ctx context.Context, t store.Table, from, to event.Time) (*os.File, error) {
	segs := between(e.segments[t], from, to)
	if len(segs) == 0 {
		return nil, nil
	}
	ctx, leave, err := e.store.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	dir, err := e.store.ImportDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("out-%d.parquet", e.store.nextID.Add(1)))
	order := " ORDER BY " + sortOrder(t)
	if segs = slices.SortedFunc(slices.Values(segs), byTime); areApart(segs) {
		order = "" // rows come as they lie in files, and sorting them takes most of the time
	}
	q := fmt.Sprintf("COPY (SELECT %s FROM %s WHERE %s%s) TO %s (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d, "+
		"KV_METADATA {tidemark_archive: '%d', tidemark_table: '%s', tidemark_property: '%s'})",
		strings.Join(e.store.exportColumns(t), ", "), e.store.rowsOf(t, segs), e.rowsIn(t, from, to), order, quote(path),
		groupSize(t), store.ExportFormat, t, e.property)
	var rows int64
	err = e.store.writer.run(ctx, q, func(r *result) error { rows = r.int64(0, 0); return nil })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export %s: %w", t, err), removeIf(path))
	}
	f, err := os.Open(path)
	if err := errors.Join(err, removeIf(path)); err != nil || rows == 0 {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		return nil, err
	}
	return f, nil
}

func byTime(a, b store.Segment) int { return cmp.Compare(a.MinTime, b.MinTime) }

// areApart tells whether segments in order of time do not overlap. Rows lie in each by property and time.
func areApart(segs []store.Segment) bool {
	for i := 1; i < len(segs); i++ {
		if segs[i-1].MaxTime >= segs[i].MinTime {
			return false
		}
	}
	return !slices.ContainsFunc(segs, isOld) // those are read together with a table
}

func removeIf(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ImportDir implements store.Importer.
func (s *Store) ImportDir() (string, error) {
	dir := filepath.Join(s.cfg.Dir, tempName, exportName)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("make directory of exports: %w", err)
	}
	return dir, nil
}

// Import implements store.Importer.
func (s *Store) Import(ctx context.Context, p event.PropertyID, t store.Table, files []string) ([]store.Segment, error) {
	if !slices.Contains(finalTables(), t) {
		return nil, fmt.Errorf("import %s: %w", t, store.ErrUnsupported)
	}
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	// Rows come in the order of files and as they lie in them, which is that of segments.
	q := fmt.Sprintf("SELECT %s FROM %s", strings.Join(s.importColumns(t, p), ", "), readParquet(files))
	segs, err := s.writeSpecs(ctx, s.writer, []segmentSpec{{table: t, query: q}})
	if err != nil {
		return nil, fmt.Errorf("import rows of property %s: %w", p, err)
	}
	return segs, nil
}

// RowsFrom tells where the rows of final events among segs, which need not be installed, came from. Sessions and clients
// have numbers of events, so none is larger.
func (s *Store) RowsFrom(ctx context.Context, segs []store.Segment) ([]store.RowsFrom, error) {
	segs = slices.DeleteFunc(slices.Clone(segs), func(seg store.Segment) bool { return seg.Table != store.FinalEvents })
	if len(segs) == 0 {
		return nil, nil
	}
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := s.whileOpen(ctx)
	defer cancel()
	var out []store.RowsFrom
	q := "SELECT max(row_id), arg_max(ingest_time, row_id), arg_max(property, row_id) FROM " + readParquet(s.paths(segs)) +
		" GROUP BY row_id >> 48 ORDER BY 1"
	err = s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			last := event.RowID(r.uint64(0, i))
			out = append(out, store.RowsFrom{Partition: last.Partition(), Next: last.Offset() + 1, Row: last,
				Ingest: event.Time(r.int64(1, i)), Property: event.PropertyID(r.uint64(2, i))})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find last rows: %w", err)
	}
	return out, nil
}

func finalTables() []store.Table { return []store.Table{store.FinalEvents, store.FinalSessions} }

// isTime names the columns that hold times.
func isTime(column string) bool {
	return slices.Contains([]string{"event_time", "ingest_time", "start_time", "end_time"}, column)
}

// exportColumns renders what is written of a table.
func (s *Store) exportColumns(t store.Table) []string {
	var out []string
	for _, c := range s.schema[t] {
		switch {
		case c.name == "property":
		case isTime(c.name):
			out = append(out, fmt.Sprintf("make_timestamp(%[1]s)::TIMESTAMPTZ AS %[1]s", c.name))
		default:
			out = append(out, c.name)
		}
	}
	return out
}

// importColumns renders a table's rows of exported ones. Other writers may have chosen
// wider types.
func (s *Store) importColumns(t store.Table, p event.PropertyID) []string {
	var out []string
	for _, c := range s.schema[t] {
		switch {
		case c.name == "property":
			out = append(out, propertyLiteral(p)+" AS property")
		case isTime(c.name):
			out = append(out, fmt.Sprintf("epoch_us(%[1]s)::BIGINT AS %[1]s", c.name))
		default:
			out = append(out, fmt.Sprintf("%[1]s::%[2]s AS %[1]s", c.name, c.sqlType))
		}
	}
	return out
}
