// Reading the sketches of cells: the engine finds the cells and where their sketches lie, and these places
// alone are read (sketch_file.go).
package duckstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tidemark/internal/store"
)

// wanted is a cell whose sketches may have to be merged.
type wanted struct {
	cellPlace
	short     []byte // if they lie in the row
	file, row int32
}

// gatherCells is addCells for the cells one by one, with where their sketches lie: that costs less than
// to ask twice.
func (x *rolled) gatherCells(ctx context.Context) error {
	from, err := x.from("*", nil)
	if err != nil || from == "" {
		return err
	}
	keys, kinds, err := x.keys()
	if err != nil {
		return err
	}
	columns := keys
	for i, a := range x.p.Aggregates {
		columns = append(columns, fmt.Sprintf("CAST(%s AS BIGINT) AS a%d", cellAggregate(a), i))
	}
	columns = append(columns, "users", "active_users", "CAST("+x.isDraftCell()+" AS BIGINT)", placeList(), "filename")
	q := "SELECT " + strings.Join(columns, ", ") + " FROM (" + from + ")"
	first := len(kinds) + len(x.p.Aggregates)
	return x.sn.s.reader.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			at := x.row(dimsOf(res, kinds, i))
			for k := range x.p.Aggregates {
				x.rows.Aggregates[at][k] += res.int64(len(kinds)+k, i)
			}
			u := &x.users[at]
			u.cells++
			u.drafts += res.int64(first+2, i)
			for of := range u.sum {
				n := res.int64(first+of, i)
				u.most[of] = max(u.most[of], n)
				u.sum[of] += n
			}
			x.want(res, first+3, i, at)
		}
		return x.full()
	})
}

// want notes a cell of a group. Its place and the file that names it are in columns of a result.
func (x *rolled) want(res *result, col, i, row int) {
	p, short := placeAt(res, col, i)
	if p.len() == 0 {
		return
	}
	name := res.bytes(col+len(placeColumns()), i)
	file, known := x.numbers[string(name)]
	if !known {
		if x.numbers == nil {
			x.numbers = map[string]int32{}
		}
		file = int32(len(x.named))
		x.numbers[string(name)] = file
		x.named = append(x.named, sketchName(filepath.Base(string(name))))
	}
	x.wanted = append(x.wanted, wanted{p, bytes.Clone(short), file, int32(row)})
}

func holdsTheirSketches(s *store.Segment) bool { return holdsSketches(*s) }

// mergeHeld merges the sketches of cells that hold them themselves.
func (x *rolled) mergeHeld(ctx context.Context) error {
	from, err := x.from("*", holdsTheirSketches)
	if err != nil || from == "" {
		return err
	}
	keys, kinds, err := x.keys()
	if err != nil {
		return err
	}
	q := "SELECT " + strings.Join(append(keys, "active_sketch", "passive_sketch"), ", ") + " FROM (" + from + ")"
	return x.sn.s.reader.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			row := x.row(dimsOf(res, kinds, i))
			if !x.users[row].mustMerge() {
				continue
			}
			if err := x.merge(row, res.bytes(len(kinds), i), res.bytes(len(kinds)+1, i)); err != nil {
				return fmt.Errorf("%w: a cell of %s: %w", store.ErrCorrupt, x.s.rollup.Name, err)
			}
		}
		return nil
	})
}

// gatherPlaces notes the cells of groups that must be merged, if they say where their sketches lie.
func (x *rolled) gatherPlaces(ctx context.Context) error {
	from, err := x.from("*", func(s *store.Segment) bool { return !holdsSketches(*s) })
	if err != nil || from == "" {
		return err
	}
	keys, kinds, err := x.keys()
	if err != nil {
		return err
	}
	q := "SELECT " + strings.Join(append(keys, placeList(), "filename"), ", ") + " FROM (" + from + ") WHERE active_bytes > 0 OR passive_bytes > 0"
	return x.sn.s.reader.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			if row := x.row(dimsOf(res, kinds, i)); x.users[row].mustMerge() {
				x.want(res, len(kinds), i, row)
			}
		}
		return nil
	})
}

// merge adds the users of a cell. Until all cells are merged those of sketch[1] are missing in sketch[0].
func (x *rolled) merge(row int, active, passive []byte) error {
	u := &x.users[row]
	if err := u.sketch[1].MergeEncoded(active); err != nil || !x.all {
		return err
	}
	return u.sketch[0].MergeEncoded(passive)
}

// mergeWanted merges the cells that were noted, in the order in which their sketches lie.
func (x *rolled) mergeWanted(ctx context.Context) error {
	cells := slices.DeleteFunc(x.wanted, func(c wanted) bool { return !x.users[c.row].mustMerge() })
	slices.SortFunc(cells, func(a, b wanted) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.at, b.at)) })
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && cells[n].file == cells[0].file {
			n++
		}
		if err := x.mergeFile(ctx, x.named[cells[0].file], cells[:n]); err != nil {
			return err
		}
		cells = cells[n:]
	}
	return nil
}

const (
	// nearby: what lies closer together than this is read at once, for a call costs as much as so many bytes.
	nearby = 16 << 10
	// atOnce bounds one read, but for a single cell.
	atOnce = 1 << 20
)

// mergeFile merges cells of one file, in order: those whose sketches lie in the row come first.
func (x *rolled) mergeFile(ctx context.Context, name string, cells []wanted) (err error) {
	for ; len(cells) > 0 && cells[0].at == 0; cells = cells[1:] {
		if len(cells[0].short) != cells[0].len() {
			return fmt.Errorf("%w: a cell beside %s has %d bytes of sketches, not %d", store.ErrCorrupt, name, len(cells[0].short), cells[0].len())
		}
		if err := x.mergeCell(name, cells[0], cells[0].short); err != nil {
			return err
		}
	}
	if len(cells) == 0 {
		return nil
	}
	r, err := openSketches(x.sn.s.cfg.Dir, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.f.Close()) }()
	for len(cells) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := together(cells)
		if from, to := cells[0].at, cells[n-1].end(); cells[0].possible() {
			if err := r.fill(from, int(to-from)); err != nil {
				return err
			}
		}
		for _, c := range cells[:n] {
			b, err := r.read(c.cellPlace)
			if err != nil {
				return err
			}
			if err := x.mergeCell(name, c, b); err != nil {
				return err
			}
		}
		cells = cells[n:]
	}
	return nil
}

// together tells how many of the cells, which are in order, one read fetches.
func together(cells []wanted) int {
	n := 1
	for n < len(cells) && cells[n].possible() && cells[n].at <= cells[n-1].end()+nearby && cells[n].end()-cells[0].at <= atOnce {
		n++
	}
	return n
}

func (x *rolled) mergeCell(name string, c wanted, b []byte) error {
	if err := x.merge(int(c.row), b[:c.active], b[c.active:]); err != nil {
		return fmt.Errorf("%w: %s: a cell of %s: %w", store.ErrCorrupt, name, x.s.rollup.Name, err)
	}
	return nil
}
