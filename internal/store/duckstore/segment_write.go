// Writing segments: from a query to a synced, named and checksummed file (T3).
package duckstore

import (
	"context"
	"fmt"
	"path/filepath"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// rowGroupSize is a compromise: smaller groups prune better by property and
// time, larger ones compress better and cost less per query.
const rowGroupSize = 61440

// cellGroupSize: a report of cells reads a few of them, so that most of a large group is read for nothing. Groups much
// smaller cost more than they spare: with 2,048 rows panels over 4M events took twice as long.
const cellGroupSize = 16384

func groupSize(t store.Table) int {
	if t == store.RollupCells || t == store.KeptCells {
		return cellGroupSize
	}
	return rowGroupSize
}

// segmentSpec says what goes into one file.
type segmentSpec struct {
	table store.Table
	level int
	query string // its rows, in the order in which they shall lie
	rows  int64  // how many they must be; 0: not known beforehand
	// cells are where the sketches lie of the cells that query returns, in any order (cells_source.go);
	// nil for other tables.
	cells *cellSources
}

// sortOrder is how rows of a table lie in a file: property first, so that row
// groups of other properties are skipped, then time.
func sortOrder(t store.Table) string {
	switch t {
	case store.YoungSessions, store.FinalSessions:
		return "property, start_time, session"
	case store.YoungAliases:
		return "property, part"
	case store.RollupCells, store.KeptCells:
		return "property, rollup, d0, d1, d2, d3, d4, d5, start_time"
	}
	return "property, event_time, row_id, sub"
}

// WriteSegments implements store.Store.
func (s *Store) WriteSegments(ctx context.Context, id store.Head) ([]store.Segment, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := s.whileOpen(ctx)
	defer cancel()
	h, err := s.holdSealed(id)
	if err != nil {
		return nil, err
	}
	defer s.letGo(h)
	var specs []segmentSpec
	for i, t := range youngTables() {
		order := fileOrder(t, h.tables[i].shown.Load())
		if len(order) == 0 {
			continue
		}
		scan := s.scans.add(h.tables[i], order)
		defer s.scans.remove(scan)
		specs = append(specs, segmentSpec{table: t, rows: int64(len(order)),
			query: "SELECT * FROM " + scanOf(scan, int64(len(order)), 0)})
	}
	segs, err := s.writeSpecs(ctx, s.sealer, specs)
	if err != nil {
		return nil, fmt.Errorf("write head %d: %w", id, err)
	}
	return segs, nil
}

// holdSealed finds a sealed head and keeps it from being dropped.
func (s *Store) holdSealed(id store.Head) (*head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.heads[:len(s.heads)-1] {
		if h.id == id {
			h.refs++
			return h, nil
		}
	}
	return nil, fmt.Errorf("head %d is not a sealed head of this store", id)
}

func (s *Store) letGo(h *head) {
	s.mu.Lock()
	g := s.releaseLocked(nil, []*head{h})
	s.mu.Unlock()
	if err := s.destroy(g); err != nil {
		s.log.Error("cannot drop heads", "error", err)
	}
}

// youngQuery renders the rows of a young table in file order. Of sessions and
// aliases only the highest revision is kept: the others can never count.
// (QUALIFY row_number() = 1 says the same, but trips the optimizer of the engine:
// docs/facts/duckdb.md.)
func (s *Store) youngQuery(t store.Table, from string) string {
	columns := s.schema.list(t, "")
	key := ""
	switch t {
	case store.YoungSessions:
		key = "property, session"
	case store.YoungAliases:
		key = "property, part"
	default:
		return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", columns, from, sortOrder(t))
	}
	return fmt.Sprintf("SELECT %[1]s FROM (SELECT DISTINCT ON (%[2]s) %[1]s FROM %[3]s "+
		"ORDER BY %[2]s, revision DESC) ORDER BY %[4]s", columns, key, from, sortOrder(t))
}

// writeSpecs writes one file per spec that has rows, of cells two, names them, and syncs the
// directory once.
func (s *Store) writeSpecs(ctx context.Context, e *engine, specs []segmentSpec) ([]store.Segment, error) {
	segs := make([]store.Segment, 0, len(specs))
	for _, spec := range specs {
		written, err := s.writeSpec(ctx, e, spec)
		if err != nil {
			return nil, fmt.Errorf("write segment of %s: %w", spec.table, err)
		}
		segs = append(segs, written...)
	}
	if len(segs) == 0 {
		return nil, nil
	}
	if err := s.fs.SyncDir(s.cfg.Dir); err != nil {
		return nil, fmt.Errorf("sync store directory: %w", err)
	}
	return segs, nil
}

// writeSpec writes the files of a spec; none if there are no rows.
func (s *Store) writeSpec(ctx context.Context, e *engine, spec segmentSpec) ([]store.Segment, error) {
	id := s.nextID.Add(1)
	if spec.cells != nil {
		return s.writeCells(ctx, e, spec, id)
	}
	seg, err := s.writeSegment(ctx, e, spec, id)
	if err != nil || seg.Rows == 0 {
		return nil, err
	}
	return []store.Segment{seg}, nil
}

// writeSegment writes one file under a temporary name, syncs it, reads it
// back for its checksum, and renames it. A crash at any point leaves a file that no
// manifest names (T4).
func (s *Store) writeSegment(ctx context.Context, e *engine, spec segmentSpec, id uint64) (store.Segment, error) {
	seg := store.Segment{ID: id, Table: spec.table, Level: spec.level, Format: formatVersion, File: segmentName(spec.table, id)}
	tmp := filepath.Join(s.cfg.Dir, seg.File) + tempSuffix
	q := fmt.Sprintf("COPY (%s) TO %s (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d, "+
		"PARQUET_VERSION v2, KV_METADATA {tidemark_format: '%d', tidemark_table: '%s'})",
		spec.query, quote(tmp), groupSize(spec.table), formatVersion, spec.table)
	if err := e.exec(ctx, q); err != nil {
		return seg, err
	}
	if err := s.describe(ctx, e, tmp, &seg); err != nil {
		return seg, err
	}
	if spec.rows != 0 && seg.Rows != spec.rows {
		return seg, fmt.Errorf("%d rows were written instead of %d", seg.Rows, spec.rows)
	}
	if seg.Rows == 0 {
		return seg, s.fs.Remove(tmp)
	}
	return seg, s.settle(tmp, &seg)
}

// settle makes a file that was written durable under its final name, and notes its checksum.
func (s *Store) settle(tmp string, seg *store.Segment) error {
	if err := s.fs.Sync(tmp); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	var err error
	if seg.Checksum, seg.Bytes, err = checksum(tmp); err != nil {
		return err
	}
	if err := s.fs.Rename(tmp, filepath.Join(s.cfg.Dir, seg.File)); err != nil {
		return fmt.Errorf("name segment: %w", err)
	}
	s.tel.written.WithLabelValues(string(seg.Table)).Add(float64(seg.Bytes))
	s.mu.Lock()
	s.written[seg.File] = seg.Checksum
	s.mu.Unlock()
	return nil
}

// describe fills in what the rows of a file say about it.
func (s *Store) describe(ctx context.Context, e *engine, path string, seg *store.Segment) error {
	q := fmt.Sprintf("SELECT count(*), coalesce(min(%[1]s), 0), coalesce(max(%[1]s), 0), "+
		"coalesce(max(%[2]s), 0), coalesce(min(property), 0), coalesce(max(property), 0) FROM %[3]s",
		timeColumn(seg.Table), neededColumn(seg.Table), readParquet([]string{path}))
	return e.run(ctx, q, func(r *result) error {
		seg.Rows = r.int64(0, 0)
		seg.MinTime, seg.MaxTime = event.Time(r.int64(1, 0)), event.Time(r.int64(2, 0))
		seg.LastNeeded = event.Time(r.int64(3, 0))
		seg.MinProperty = event.PropertyID(r.uint64(4, 0))
		seg.MaxProperty = event.PropertyID(r.uint64(5, 0))
		return nil
	})
}

// timeColumn bounds a segment.
func timeColumn(t store.Table) string {
	switch t {
	case store.YoungSessions, store.FinalSessions, store.RollupCells, store.KeptCells:
		return "start_time"
	case store.YoungAliases:
		return "part_time"
	}
	return "event_time"
}

// neededColumn says until when rows may be joined.
func neededColumn(t store.Table) string {
	switch t {
	case store.YoungSessions, store.FinalSessions:
		return "end_time"
	case store.YoungAliases:
		return "part_time"
	case store.RollupCells, store.KeptCells:
		return "start_time"
	}
	return "event_time"
}
