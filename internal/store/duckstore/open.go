// Open: from a directory and a manifest to a store.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// tempName is the directory below Dir where engines spill, each into one of its
// own: all instances of DuckDB give their files the same names.
const tempName = "tmp"

// sealerMemory bounds what writing the segments of a head takes: it holds a row group or two,
// for rows come in order.
const sealerMemory = 256 << 20

// Open starts a store that reads the segments of m. Files in cfg.Dir that m
// does not name are deleted (T4); those that it names must be there (T5).
func Open(cfg Config, m store.Manifest, deps Deps) (*Store, error) {
	return open(cfg, m, deps, osFiles{})
}

func open(cfg Config, m store.Manifest, deps Deps, fs files) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("find store directory: %w", err)
	}
	s := &Store{cfg: cfg, log: deps.Logger, fs: fs, schema: newSchema(),
		slots: newSlots(cfg.MaxConcurrentQueries), pressure: newPressure(), segments: map[string]*segmentFile{}, written: map[string]uint64{},
		scans: scans{tables: map[uint64]scanSource{}}, answers: newAnswers(cfg.AnswerMemory), changed: map[event.PropertyID]uint64{}, drafts: newDrafts()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.dialect, err = newDialect(); err != nil {
		return nil, err
	}
	if s.tel, err = newTelemetry(deps.Registerer); err != nil {
		return nil, err
	}
	m = cloneManifest(m)
	if err := s.tidy(&m); err != nil {
		return nil, err
	}
	if err := s.adopt(&m); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.manifest = &m
	s.tel.segments.Set(float64(len(m.Segments)))
	s.closing, s.stop = context.WithCancelCause(context.Background())
	if err := s.start(); err != nil {
		return nil, err
	}
	s.verifyInBackground()
	return s, nil
}

// tidy makes the directory and deletes what m does not name: results of writes
// that were never committed, and what queries spilled.
func (s *Store) tidy(m *store.Manifest) error {
	temp := filepath.Join(s.cfg.Dir, tempName)
	if err := os.RemoveAll(temp); err != nil {
		return fmt.Errorf("empty temporary directory: %w", err)
	}
	if err := os.MkdirAll(temp, 0o750); err != nil {
		return fmt.Errorf("create store directory: %w", err)
	}
	named := map[string]bool{tempName: true}
	var last uint64
	for _, seg := range m.Segments {
		if filepath.Base(seg.File) != seg.File {
			return fmt.Errorf("manifest names %q, which is not a file name", seg.File)
		}
		named[seg.File] = true
		last = max(last, seg.ID)
	}
	s.nextID.Store(last)
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("list store directory: %w", err)
	}
	for _, e := range entries {
		if named[e.Name()] || !isOurs(e.Name()) {
			continue
		}
		if err := s.fs.Remove(filepath.Join(s.cfg.Dir, e.Name())); err != nil {
			return fmt.Errorf("delete unnamed file: %w", err)
		}
	}
	return nil
}

// isOurs says whether a file may have been written by the store. What an
// operator put beside the segments is left alone.
func isOurs(name string) bool {
	name = strings.TrimSuffix(name, tempSuffix)
	return strings.HasSuffix(name, segmentSuffix) || strings.HasSuffix(name, sketchSuffix)
}

// start opens the engines and the first head.
func (s *Store) start() error {
	temp := filepath.Join(s.cfg.Dir, tempName)
	ec := engineConfig{dir: s.cfg.Dir, tempLimit: s.cfg.TempLimit}
	for _, want := range []struct {
		engine  **engine
		name    string
		memory  int64
		threads int
	}{
		{&s.reader, "reader", s.cfg.MemoryLimit, s.cfg.Threads},
		{&s.writer, "writer", s.cfg.WriterMemoryLimit, 1},
		{&s.sealer, "sealer", sealerMemory, 1},
	} {
		ec.memoryLimit, ec.threads, ec.tempDir = want.memory, want.threads, filepath.Join(temp, want.name)
		e, err := openEngine(ec)
		if err != nil {
			return errors.Join(fmt.Errorf("open %s: %w", want.name, err), s.Close())
		}
		*want.engine = e
		if err := s.scans.register(e); err != nil {
			return errors.Join(fmt.Errorf("open %s: %w", want.name, err), s.Close())
		}
	}
	if err := s.firstTables(); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

func (s *Store) firstTables() error {
	for t := range s.schema {
		q := fmt.Sprintf("CREATE TABLE %s (%s)", emptyTable(t), s.schema.ddl(t))
		for _, e := range []*engine{s.reader, s.writer} {
			if err := e.exec(context.Background(), q); err != nil {
				return fmt.Errorf("create empty table: %w", err)
			}
		}
	}
	s.heads, s.nextHead = []*head{s.newHead(1)}, 2
	return nil
}
