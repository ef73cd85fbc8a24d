// Tables: a large commit is written as Pebble writes its own tables, beside them, and
// then taken over as a whole. A batch of 300,000 clients takes some hundred megabytes of
// memory, twice that while it grows, and is written to the WAL and once more as tables.
package pebblestate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// spillBytes is what a batch may hold. Smaller: each checkpoint of a quiet server
	// makes a table, and they are compacted again and again.
	spillBytes = 8 << 20
	// tableBytes is the size of a table before compression. Compactions work on whole
	// ones.
	tableBytes = 32 << 20
	// expectLarge is what a batch may hold if the commit before was a large one.
	expectLarge = 64 << 10
	// tablePrefix begins the name of a table that is not Pebble's yet.
	tablePrefix = "commit-"
)

// tables are those of one commit. Keys must come in order.
type tables struct {
	state *State
	paths []string
	w     *sstable.Writer
	size  int // of the table under way
	total int
	last  []byte
}

func (t *tables) set(key, sealed []byte) error {
	if t.last != nil && bytes.Compare(key, t.last) <= 0 {
		return errors.New("BUG: clients of a commit in order are not in order")
	}
	t.last = append(t.last[:0], key...)
	if t.w == nil {
		if err := t.begin(); err != nil {
			return err
		}
	}
	var err error
	if sealed == nil {
		err = t.w.Delete(key)
	} else {
		err = t.w.Set(key, sealed)
	}
	if err != nil {
		return fmt.Errorf("write table of processor state: %w", err)
	}
	t.total += len(key) + len(sealed)
	if t.size += len(key) + len(sealed); t.size >= t.state.size {
		return t.end()
	}
	return nil
}

func (t *tables) begin() error {
	s := t.state
	s.tables++
	path := s.fs.PathJoin(s.dir, fmt.Sprintf("%s%06d", tablePrefix, s.tables))
	f, err := s.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("make table of processor state: %w", err)
	}
	t.paths = append(t.paths, path)
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), s.opts.MakeWriterOptions(0, s.db.TableFormat()))
	t.size = 0
	return nil
}

// end completes a table and syncs it.
func (t *tables) end() error {
	if t.w == nil {
		return nil
	}
	err := t.w.Close()
	t.w = nil
	if err != nil {
		return fmt.Errorf("write table of processor state: %w", err)
	}
	return nil
}

// ingest makes all of it part of the state, at once (C1). Pebble links the tables under
// names of its own, syncs, and names all in one record of its manifest or of the WAL.
func (t *tables) ingest(ctx context.Context) error {
	if err := t.end(); err != nil {
		return err
	}
	if err := t.state.db.Ingest(ctx, t.paths); err != nil {
		return fmt.Errorf("commit processor state: %w", mark(err))
	}
	t.paths = nil // Pebble has removed the former names
	return nil
}

func (t *tables) abandon() {
	_ = t.end() // it is not needed
	for _, path := range t.paths {
		_ = t.state.fs.Remove(path) // else the next Open does
	}
}

// removeTables removes what a crash left. A name may be a second one of a table that was
// taken over, so such files are never written to.
func (s *State) removeTables() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, tablePrefix) {
			if err := s.fs.Remove(s.fs.PathJoin(s.dir, name)); err != nil {
				return fmt.Errorf("remove table of a commit that did not end: %w", err)
			}
		}
	}
	return nil
}
