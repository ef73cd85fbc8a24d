// Compaction: few files per query. Segments of a table and level are merged
// into one of the next level once there are enough of them, so each row is
// rewritten once per level. Merging also drops revisions that can never count.
package duckstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tidemark/internal/store"
)

const (
	// fanIn is how many segments of a level are merged. Smaller: fewer files,
	// more rewriting. Four levels of at most seven keep a query below 30 files.
	fanIn = 8
	// maxMerged bounds the bytes of one merge: what is larger is left as it is,
	// because a query reads it at the speed of its rows, not of its files.
	maxMerged = 128 << 20
	// maxRevisions bounds the rows of a merge of young sessions. They are the widest and compress best: sorted,
	// each takes some 700 bytes, and the default memory is 512 MiB. A history of 100M events had merges
	// of 1.5M rows, some of which ended for want of memory.
	maxRevisions = 500_000
)

// allTables are the tables in the order in which they are compacted.
func allTables() []store.Table {
	return append(youngTables(), store.FinalEvents, store.FinalSessions, store.RollupCells, store.KeptCells)
}

// Compact implements store.Store. It does at most one merge per table; the
// caller calls again until there is nothing to do.
func (s *Store) Compact(ctx context.Context, m store.Manifest) (_ *store.Change, err error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	change := &store.Change{}
	var specs []segmentSpec
	var groups [][]store.Segment
	var inputs []store.Segment
	for _, t := range allTables() {
		group, up := pickHeld(m.Segments, t), 0
		if group == nil {
			group, up = pickMerge(m.Segments, t), 1
		}
		if len(group) == 0 {
			continue
		}
		spec := segmentSpec{table: t, level: group[0].Level + up}
		for _, seg := range group {
			if t != store.YoungSessions && t != store.YoungAliases {
				spec.rows += seg.Rows // only revisions may get fewer
			}
		}
		groups = append(groups, group)
		inputs = append(append(inputs, group...), sketchesOf(m.Segments, group...)...)
		specs = append(specs, spec)
	}
	if len(specs) == 0 {
		return nil, nil
	}
	release, err := s.holdFiles(inputs)
	if err != nil {
		return nil, fmt.Errorf("compact: %w", err)
	}
	defer release()
	cells := s.newCellSources()
	defer func() { err = errors.Join(err, cells.close(ctx)) }()
	for i := range specs {
		if err := s.mergeQuery(ctx, &specs[i], groups[i], cells, inputs); err != nil {
			return nil, fmt.Errorf("compact: %w", err)
		}
	}
	for _, seg := range inputs {
		change.Removed = append(change.Removed, seg.ID)
	}
	if change.Added, err = s.writeSpecs(ctx, s.writer, specs); err != nil {
		return nil, fmt.Errorf("compact: %w", err)
	}
	return change, nil
}

// mergeQuery completes a spec with the rows of a group.
func (s *Store) mergeQuery(ctx context.Context, spec *segmentSpec, group []store.Segment, cells *cellSources, all []store.Segment) error {
	if !spec.table.OfCells() {
		spec.query = s.rowsQuery(spec.table, s.rowsOf(spec.table, group))
		return nil
	}
	parts := make([]string, 0, len(group))
	for _, seg := range group {
		rows, err := cells.rows(ctx, seg, all)
		if err != nil {
			return err
		}
		parts = append(parts, "SELECT * FROM "+rows)
	}
	spec.query, spec.cells = strings.Join(parts, " UNION ALL BY NAME "), cells
	return nil
}

// pickHeld returns a segment whose cells hold their sketches themselves: it is written again alone.
func pickHeld(segs []store.Segment, t store.Table) []store.Segment {
	for _, seg := range segs {
		if seg.Table == t && t.OfCells() && holdsSketches(seg) {
			return []store.Segment{seg}
		}
	}
	return nil
}

// pickMerge returns the segments of t to merge: the fanIn earliest of the
// lowest level that has as many.
func pickMerge(segs []store.Segment, t store.Table) []store.Segment {
	levels := map[int][]store.Segment{}
	top := 0
	for _, seg := range segs {
		if seg.Table == t {
			levels[seg.Level] = append(levels[seg.Level], seg)
			top = max(top, seg.Level)
		}
	}
	for level := 0; level <= top; level++ {
		group := levels[level]
		if len(group) < fanIn {
			continue
		}
		slices.SortFunc(group, func(a, b store.Segment) int {
			return cmp.Or(cmp.Compare(a.MinTime, b.MinTime), cmp.Compare(a.ID, b.ID))
		})
		group = group[:fanIn]
		var bytes, rows int64
		for _, seg := range append(sketchesOf(segs, group...), group...) {
			bytes, rows = bytes+seg.Bytes, rows+seg.Rows
		}
		if bytes <= maxMerged && (t != store.YoungSessions || rows <= maxRevisions) {
			return group
		}
	}
	return nil
}

// rowsQuery renders the rows of from in file order, without dead revisions.
func (s *Store) rowsQuery(t store.Table, from string) string {
	if !slices.Contains(youngTables(), t) {
		return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", s.schema.list(t, ""), from, sortOrder(t))
	}
	return s.youngQuery(t, from)
}

func (s *Store) paths(segs []store.Segment) []string {
	out := make([]string, 0, len(segs))
	for _, seg := range segs {
		out = append(out, filepath.Join(s.cfg.Dir, seg.File))
	}
	return out
}

// holdFiles verifies segments and keeps their files until release is called.
func (s *Store) holdFiles(segs []store.Segment) (release func(), err error) {
	names := make([]string, 0, len(segs))
	s.mu.Lock()
	for _, seg := range segs {
		if s.segments[seg.File] == nil {
			s.mu.Unlock()
			return nil, fmt.Errorf("segment %s is not installed", seg.File)
		}
		names = append(names, seg.File)
	}
	for _, name := range names {
		s.segments[name].refs++
	}
	s.mu.Unlock()
	release = func() {
		s.mu.Lock()
		g := s.releaseLocked(names, nil)
		s.mu.Unlock()
		if err := s.destroy(g); err != nil {
			s.log.Error("cannot delete merged segments", "error", err)
		}
	}
	for _, name := range names {
		if err := s.verifyFile(name); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}
