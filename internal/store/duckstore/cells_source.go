// Sources of cells: whatever writes cells again finds their sketches through them. Rows of a source
// have all columns of cells, and `source`: the number of the file in which the place lies.
//
// Cells of format versions before 3 hold their sketches themselves. Those of such a segment are
// copied into a scratch file first, so that the rest knows one kind of cells.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// cellSources are the files that rows name by number. close must be called.
type cellSources struct {
	s       *Store
	readers []*sketchReader
	pile    *sketchWriter // sketches that lie in no file yet; its number is pileNumber
	tables  []string      // to be dropped
}

// pileNumber is the pile's, whether there is one or not; files have the following ones.
const pileNumber = 0

func (s *Store) newCellSources() *cellSources {
	return &cellSources{s: s, readers: []*sketchReader{nil}}
}

// close gives up files and tables.
func (c *cellSources) close(ctx context.Context) error {
	var errs []error
	for _, r := range c.readers {
		if r != nil && (c.pile == nil || r.f != c.pile.f) {
			errs = append(errs, r.f.Close())
		}
	}
	if c.pile != nil {
		errs = append(errs, c.pile.f.Close(), os.Remove(c.pile.f.Name()))
	}
	for _, t := range c.tables {
		errs = append(errs, c.s.writer.exec(context.WithoutCancel(ctx), "DROP TABLE "+t))
	}
	return errors.Join(errs...)
}

// table makes a table that goes with c, and a writer of its rows.
func (c *cellSources) table(ctx context.Context, cn *conn, ddl string) (name string, w *chunkWriter, err error) {
	name = fmt.Sprintf("cells_%d", c.s.nextID.Add(1))
	if err := cn.exec(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", name, ddl)); err != nil {
		return "", nil, err
	}
	c.tables = append(c.tables, name)
	w, err = newChunkWriter(cn, name)
	return name, w, err
}

// piled returns the pile. It is a scratch file: a crash leaves it for the next Open to delete.
func (c *cellSources) piled() (*sketchWriter, error) {
	if c.pile != nil {
		return c.pile, nil
	}
	var err error
	name := fmt.Sprintf("%d%s", c.s.nextID.Add(1), sketchSuffix)
	if c.pile, err = createSketches(filepath.Join(c.s.cfg.Dir, tempName, name)); err != nil {
		return nil, err
	}
	c.readers[pileNumber] = &sketchReader{f: c.pile.f, name: name}
	return c.pile, nil
}

// reader returns the file of a number. What was written to the pile can be read from then on.
func (c *cellSources) reader(number uint32) (*sketchReader, error) {
	if int(number) >= len(c.readers) || c.readers[number] == nil {
		return nil, fmt.Errorf("%w: cells name file %d of sketches", store.ErrCorrupt, number)
	}
	if number == pileNumber {
		return c.readers[number], c.pile.flush()
	}
	return c.readers[number], nil
}

// rows renders the cells of a segment. all are the segments among which its sketches are.
func (c *cellSources) rows(ctx context.Context, seg store.Segment, all []store.Segment) (string, error) {
	if holdsSketches(seg) {
		return c.takeOut(ctx, seg)
	}
	number := uint32(pileNumber)
	for _, sketches := range sketchesOf(all, seg) {
		r, err := openSketches(c.s.cfg.Dir, sketches.File)
		if err != nil {
			return "", err
		}
		number = uint32(len(c.readers))
		c.readers = append(c.readers, r)
	}
	return fmt.Sprintf("(SELECT *, %d::UINTEGER AS source FROM %s)", number, readParquet(c.s.paths([]store.Segment{seg}))), nil
}

// takeOut copies the sketches of a segment that holds them itself into the pile.
func (c *cellSources) takeOut(ctx context.Context, seg store.Segment) (string, error) {
	pile, err := c.piled()
	if err != nil {
		return "", err
	}
	cn, err := c.s.writer.get()
	if err != nil {
		return "", err
	}
	defer c.s.writer.put(cn)
	ddl := "file_row_number " + sqlInt
	for _, column := range placeColumns() {
		ddl += ", " + column.name + " " + column.sqlType
	}
	table, w, err := c.table(ctx, cn, ddl)
	if err != nil {
		return "", err
	}
	defer w.close()
	file := "read_parquet(" + quoteList(c.s.paths([]store.Segment{seg})) + ", file_row_number = true)"
	var both []byte
	var users sketch.Users
	for from := int64(0); from < seg.Rows; from += cellGroupSize { // all at once they would need too much memory
		q := fmt.Sprintf("SELECT file_row_number, active_sketch, passive_sketch FROM %s WHERE "+
			"file_row_number >= %d AND file_row_number < %d", file, from, from+cellGroupSize)
		err := c.s.writer.run(ctx, q, func(r *result) error {
			for i := range r.rows {
				both = both[:0]
				var ends [2]int
				for k := range ends {
					if err := users.Decode(r.bytes(1+k, i)); err != nil {
						return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
					}
					both = users.AppendBinary(both) // in the form of today
					ends[k] = len(both)
				}
				p, err := pile.add(both, ends[0])
				if err != nil {
					return err
				}
				w.int64(r.int64(0, i))
				p.write(w, both)
				if err := w.endRow(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("take sketches out of %s: %w", seg.File, err)
		}
	}
	return fmt.Sprintf("(SELECT %s, %s, %d::UINTEGER AS source FROM %s c JOIN %s p USING (file_row_number))",
		plainCellColumns(), placeList(), pileNumber, file, table), w.flush()
}
