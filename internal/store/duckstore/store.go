// Store: heads, the installed manifest, and who still reads what.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.Store = (*Store)(nil)

// errClosed is what a closed store answers.
var errClosed = errors.New("store is closed")

// Store is the embedded columnar store.
type Store struct {
	cfg     Config
	log     *slog.Logger
	fs      files
	schema  schema
	dialect *dialect
	reader  *engine // queries
	writer  *engine // compaction and finalization
	sealer  *engine // segments of heads
	scans   scans   // heads, as SQL reads them
	slots   *slots
	// pressure is between queries, which share the reader's memory.
	pressure *pressure
	tel      *telemetry
	answers  *answers
	heavy    sync.Mutex // held while large files are written: together they would want more than the writer's memory
	ranges   openRanges
	nextID   atomic.Uint64 // of segments

	closing context.Context // done once Close is called
	stop    context.CancelCauseFunc
	busy    sync.WaitGroup // what uses an engine

	mu       sync.Mutex
	closed   bool
	broken   error // why Append no longer works
	manifest *store.Manifest
	heads    []*head // sealed ones, then the open one
	// appends counts batches; changed says which batch was the last with rows of a
	// property.
	appends  uint64
	changed  map[event.PropertyID]uint64
	nextHead store.Head
	drafts   drafts
	segments map[string]*segmentFile // by file name
	// written are checksums of files that this process wrote and read back, and
	// that no manifest has named yet: Install need not read them again.
	written map[string]uint64
}

// enter counts the caller among those who use an engine; Close waits for them.
func (s *Store) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	s.busy.Add(1)
	return s.busy.Done, nil
}

// whileOpen returns ctx, done too once the store closes.
func (s *Store) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(s.closing, func() { cancel(errClosed) })
	return ctx, func() { unhook(); cancel(nil) }
}

// rewrite is enter and whileOpen for whoever writes large files, one at a time.
func (s *Store) rewrite(ctx context.Context) (_ context.Context, leave func(), err error) {
	left, err := s.enter()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := s.whileOpen(ctx)
	s.heavy.Lock()
	return ctx, func() {
		s.heavy.Unlock()
		cancel()
		left()
	}, nil
}

// Append implements store.Store.
func (s *Store) Append(_ context.Context, b *store.Batch) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	s.mu.Lock()
	h, broken := s.heads[len(s.heads)-1], s.broken
	s.mu.Unlock()
	if broken != nil {
		return fmt.Errorf("append after a failed append: %w", broken)
	}
	size := h.mem.size
	err = h.append(b)
	s.tel.headBytes.Add(float64(h.mem.size - size))
	if err != nil {
		// The processor starts again from its checkpoint.
		s.mu.Lock()
		s.broken = err
		s.mu.Unlock()
		return fmt.Errorf("append to head %d: %w", h.id, err)
	}
	s.mu.Lock()
	s.noteChanges(b)
	spoiled := s.touch(b)
	h.rows.events += int64(len(b.Events))
	h.rows.sessions += int64(len(b.Sessions))
	h.rows.aliases += int64(len(b.Aliases))
	for i := range b.Events {
		h.low.add(b.Events[i].EventTime, b.Events[i].Property)
	}
	s.mu.Unlock()
	s.tel.appended.Add(float64(len(b.Events)))
	if err := s.destroy(spoiled); err != nil {
		s.log.Error("cannot delete files of a draft", "error", err) // the rows are in
	}
	return nil
}

// Seal implements store.Store.
func (s *Store) Seal(context.Context) (store.Head, error) {
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	sealed := s.heads[len(s.heads)-1]
	s.heads = append(slices.Clone(s.heads), s.newHead(s.nextHead))
	s.nextHead++
	return sealed.id, nil
}

// Install implements store.Store.
func (s *Store) Install(_ context.Context, m store.Manifest, heads ...store.Head) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	m = cloneManifest(m)
	s.mu.Lock()
	dropped, kept, err := s.splitHeads(heads)
	if err == nil {
		err = s.adopt(&m)
	}
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("install manifest: %w", err)
	}
	s.manifest, s.heads = &m, kept
	doomed := s.releaseLocked(nil, dropped)
	doomed.files = append(doomed.files, s.breakErased().files...)
	s.mu.Unlock()
	s.tel.segments.Set(float64(len(m.Segments)))
	return s.destroy(doomed)
}

// splitHeads finds the heads to drop. The open head cannot be dropped.
func (s *Store) splitHeads(ids []store.Head) (dropped, kept []*head, err error) {
	open := s.heads[len(s.heads)-1]
	named := 0
	for _, h := range s.heads {
		if slices.Contains(ids, h.id) && h != open {
			named++
			dropped = append(dropped, h)
		}
	}
	for _, h := range s.heads {
		if !slices.Contains(dropped, h) {
			kept = append(kept, h)
		}
	}
	if named != len(ids) {
		return nil, nil, fmt.Errorf("heads %v: not all are sealed heads of this store", ids)
	}
	return dropped, kept, nil
}

// garbage is what nobody reads any more.
type garbage struct {
	heads []*head
	files []string
}

// releaseLocked gives up one reference to each head and file, and collects
// what has none left. s.mu is held.
func (s *Store) releaseLocked(files []string, heads []*head) garbage {
	var g garbage
	for _, h := range heads {
		if h.refs--; h.refs == 0 {
			g.heads = append(g.heads, h)
		}
	}
	for _, f := range files {
		s.segments[f].refs--
	}
	for name, f := range s.segments {
		if f.refs == 0 && !f.named {
			delete(s.segments, name)
			g.files = append(g.files, name)
		}
	}
	return g
}

// destroy drops heads and deletes files, outside the lock.
func (s *Store) destroy(g garbage) error {
	var errs []error
	for _, h := range g.heads {
		errs = append(errs, s.drop(h))
	}
	for _, f := range g.files {
		if err := s.fs.Remove(filepath.Join(s.cfg.Dir, f)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("delete segment: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Close implements store.Store. Queries that run are ended.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.stop(errClosed)
	s.busy.Wait()
	s.mu.Lock()
	left := s.releaseLocked(nil, s.heads) // what a snapshot still holds goes with it
	s.mu.Unlock()
	for _, e := range []*engine{s.reader, s.writer, s.sealer} {
		e.close()
	}
	return s.destroy(garbage{heads: left.heads})
}

func cloneManifest(m store.Manifest) store.Manifest {
	return store.Manifest{
		Segments:   slices.Clone(m.Segments),
		FinalUntil: maps.Clone(m.FinalUntil),
		DayVersion: maps.Clone(m.DayVersion),
		Rollups:    cloneRollups(m.Rollups),
		Kept:       cloneRollups(m.Kept),
	}
}

func cloneRollups(of map[event.PropertyID][]store.RollupRange) map[event.PropertyID][]store.RollupRange {
	out := make(map[event.PropertyID][]store.RollupRange, len(of))
	for id, ranges := range of {
		out[id] = slices.Clone(ranges)
	}
	return out
}
