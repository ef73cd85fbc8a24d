// Planted bugs: a simulation that does not find them proves nothing. Each is a wrapper
// around one part that breaks what the part promises, and must be found within a few lives.
package sim_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/testkit/sim"
)

func TestPlantedBugsAreFound(t *testing.T) {
	bugs := map[string]sim.Options{
		"missing sync":             {WrapFS: func(fs vfs.FS) vfs.FS { return forgettingFS{fs} }},
		"acknowledged before sync": {WrapLog: func(l eventlog.Log) eventlog.Log { return &hasty{Log: l} }},
		"half a request":           {WrapLog: func(l eventlog.Log) eventlog.Log { return halving{l} }},
		"clients before offsets":   {WrapState: func(s state.State) state.State { return &halved{State: s, early: clientsFirst} }},
		"offsets before segments":  {WrapState: func(s state.State) state.State { return &halved{State: s, early: offsetsFirst} }},
		"lost keys":                {WrapState: func(s state.State) state.State { return keyless{s} }},
		"alias not applied":        {WrapStore: func(s store.Store) store.Store { return aliasless{s} }},
		"revisions out of order":   {WrapStore: func(s store.Store) store.Store { return newReversing(s) }},
		"rows dropped":             {WrapStore: func(s store.Store) store.Store { return &dropping{Store: s} }},
	}
	for name, bug := range bugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const lives = 400
			for seed := uint64(1); seed <= lives; seed++ {
				if _, err := sim.Run(t.Context(), seed, bug); err != nil {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("found in life %d: %s", seed, first)
					return
				}
			}
			t.Errorf("not found in %d lives", lives)
		})
	}
}

// forgettingFS is a disk of which nobody asks that it keeps what the log wrote.
type forgettingFS struct{ vfs.FS }

type forgettingFile struct{ vfs.File }

// Sync implements vfs.File, and does nothing.
func (forgettingFile) Sync() error { return nil }

// SyncData implements vfs.File, and does nothing.
func (forgettingFile) SyncData() error { return nil }

// SyncTo implements vfs.File, and does nothing.
func (forgettingFile) SyncTo(int64) (bool, error) { return false, nil }

func forgetting(name string, f vfs.File, err error) (vfs.File, error) {
	if err == nil && strings.HasSuffix(name, ".log") {
		return forgettingFile{f}, nil
	}
	return f, err
}

// Create implements vfs.FS.
func (fs forgettingFS) Create(name string, why vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, why)
	return forgetting(name, f, err)
}

// OpenReadWrite implements vfs.FS: WALs are made of former ones.
func (fs forgettingFS) OpenReadWrite(name string, why vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, why, opts...)
	return forgetting(name, f, err)
}

// hasty is a log that says yes and writes afterwards.
type hasty struct {
	eventlog.Log
	wg sync.WaitGroup
}

// Append implements eventlog.Log.
func (l *hasty) Append(ctx context.Context, b *eventlog.Batch) error {
	kept := eventlog.Batch{Counts: append([]eventlog.Count(nil), b.Counts...), Essential: b.Essential}
	for _, r := range b.Records {
		kept.Records = append(kept.Records, eventlog.Record{Partition: r.Partition, Payload: append([]byte(nil), r.Payload...)})
	}
	l.wg.Go(func() { _ = l.Log.Append(context.WithoutCancel(ctx), &kept) })
	return nil
}

// halving is a log that writes the last record of a batch on its own.
type halving struct{ eventlog.Log }

// Append implements eventlog.Log.
func (l halving) Append(ctx context.Context, b *eventlog.Batch) error {
	n := len(b.Records) - 1
	if n < 1 {
		return l.Log.Append(ctx, b)
	}
	if err := l.Log.Append(ctx, &eventlog.Batch{Records: b.Records[:n], Counts: b.Counts, Essential: b.Essential}); err != nil {
		return err
	}
	return l.Log.Append(ctx, &eventlog.Batch{Records: b.Records[n:], Essential: b.Essential})
}

// halved makes of one commit two: power can be cut between them. early says what the first
// of them holds, given the Meta before and the one to come.
type halved struct {
	state.State
	early func(before, next state.Meta) state.Meta
	last  *state.Meta
}

// Load implements state.State.
func (s *halved) Load(ctx context.Context) (*state.Meta, error) {
	m, err := s.State.Load(ctx)
	s.last = m
	return m, err
}

// Begin implements state.State.
func (s *halved) Begin() state.Commit { return &halvedCommit{Commit: s.State.Begin(), state: s} }

type halvedCommit struct {
	state.Commit
	state *halved
}

// Finish implements state.Commit.
func (c *halvedCommit) Finish(ctx context.Context, m *state.Meta) error {
	before := state.Meta{Generation: m.Generation, Partitions: make([]state.Partition, len(m.Partitions))}
	if c.state.last != nil {
		before = *c.state.last
	}
	early := c.state.early(before, *m)
	if err := c.Commit.Finish(ctx, &early); err != nil {
		return err
	}
	c.Abandon()
	c.Commit = c.state.State.Begin()
	c.state.last = m
	return c.Commit.Finish(ctx, m)
}

func clientsFirst(before, _ state.Meta) state.Meta { return before }

func offsetsFirst(before, next state.Meta) state.Meta {
	next.Manifest = before.Manifest
	return next
}

// keyless forgets the newest key of every client it keeps.
type keyless struct{ state.State }

// Client implements state.State.
func (s keyless) Client(p event.Partition, key []byte) ([]byte, error) {
	b, err := s.State.Client(p, key)
	if err != nil || b == nil {
		return b, err
	}
	var r fold.ClientRecord
	if err := r.UnmarshalVT(b); err != nil {
		return nil, err
	}
	r.Keys = r.Keys[:max(0, len(r.Keys)-24)]
	return r.MarshalVT()
}

// aliasless is a store that never hears which parts moved.
type aliasless struct{ store.Store }

// Append implements store.Store.
func (s aliasless) Append(ctx context.Context, b *store.Batch) error {
	b.Aliases = nil
	return s.Store.Append(ctx, b)
}

// reversing is a store in which a session's first revision stays.
type reversing struct {
	store.Store
	mu   sync.Mutex
	seen map[event.RowID]uint64
}

func newReversing(s store.Store) *reversing {
	return &reversing{Store: s, seen: map[event.RowID]uint64{}}
}

// Append implements store.Store.
func (s *reversing) Append(ctx context.Context, b *store.Batch) error {
	s.mu.Lock()
	for i := range b.Sessions {
		r := &b.Sessions[i]
		if last, ok := s.seen[r.Session]; ok {
			r.Revision = last - 1
		}
		s.seen[r.Session] = r.Revision
	}
	s.mu.Unlock()
	return s.Store.Append(ctx, b)
}

// dropping is a store that loses a row now and then.
type dropping struct {
	store.Store
	mu sync.Mutex
	n  int
}

// Append implements store.Store.
func (s *dropping) Append(ctx context.Context, b *store.Batch) error {
	s.mu.Lock()
	s.n += len(b.Events)
	if s.n > 20 && len(b.Events) > 0 {
		s.n, b.Events = 0, b.Events[1:]
	}
	s.mu.Unlock()
	return s.Store.Append(ctx, b)
}
