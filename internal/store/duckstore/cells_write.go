// Writing cells: their sketches go into a file of their own, in the order of the cells, so that those of
// one group of a report lie side by side, day after day.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tidemark/internal/store"
)

// writeCells writes a segment of cells and the file of their sketches, if they have any.
func (s *Store) writeCells(ctx context.Context, e *engine, spec segmentSpec, id uint64) ([]store.Segment, error) {
	cells := segmentName(spec.table, id)
	sketches := store.Segment{ID: s.nextID.Add(1), Table: sketchTable(spec.table), Level: spec.level, Format: formatVersion,
		File: sketchName(cells)}
	tmp := filepath.Join(s.cfg.Dir, sketches.File) + tempSuffix
	moved, err := s.copySketches(ctx, spec, tmp, &sketches)
	if err != nil {
		return nil, fmt.Errorf("copy sketches: %w", err)
	}
	if sketches.Rows == 0 {
		err = s.fs.Remove(tmp)
	} else {
		err = s.settle(tmp, &sketches)
	}
	if err != nil {
		return nil, err
	}
	spec.query = fmt.Sprintf("SELECT %s, active_bytes, passive_bytes, short_sketches, coalesce(m.now_at, 0) AS sketch_at, sketch_sum "+
		"FROM (%s) c LEFT JOIN %s m ON c.source = m.source AND c.sketch_at = m.was_at ORDER BY %s",
		plainCellColumns(), spec.query, moved, sortOrder(spec.table))
	seg, err := s.writeSegment(ctx, e, spec, id)
	if err != nil || seg.Rows == 0 {
		return nil, err
	}
	if sketches.Rows == 0 {
		return []store.Segment{seg}, nil
	}
	sketches.MinTime, sketches.MaxTime, sketches.LastNeeded = seg.MinTime, seg.MaxTime, seg.LastNeeded
	sketches.MinProperty, sketches.MaxProperty = seg.MinProperty, seg.MaxProperty
	return []store.Segment{seg, sketches}, nil
}

// copySketches writes the sketches of a spec's cells into a file, and returns a table of where they were and are.
func (s *Store) copySketches(ctx context.Context, spec segmentSpec, path string, to *store.Segment) (moved string, err error) {
	cn, err := s.writer.get()
	if err != nil {
		return "", err
	}
	defer s.writer.put(cn)
	moved, w, err := spec.cells.table(ctx, cn, "source UINTEGER, was_at UBIGINT, now_at UBIGINT")
	if err != nil {
		return "", err
	}
	defer w.close()
	out, err := createSketches(path)
	if err != nil {
		return "", err
	}
	type at struct {
		source uint32
		at     uint64
	}
	done := map[at]bool{} // cells may share a place
	q := fmt.Sprintf("SELECT source, %s FROM (%s) WHERE sketch_at > 0 ORDER BY %s", placeList(), spec.query, sortOrder(spec.table))
	err = s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			source := r.uint32(0, i)
			was, _ := placeAt(r, 1, i)
			if done[at{source, was.at}] {
				continue
			}
			done[at{source, was.at}] = true
			from, err := spec.cells.reader(source)
			if err != nil {
				return err
			}
			b, err := from.read(was)
			if err != nil {
				return err
			}
			now, err := out.add(b, int(was.active))
			if err != nil {
				return err
			}
			w.uint32(source)
			w.uint64(was.at)
			w.uint64(now.at)
			if err := w.endRow(); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err == nil {
		err = errors.Join(out.flush(), w.flush())
	}
	to.Rows = int64(len(out.same))
	return moved, errors.Join(err, out.f.Close())
}
