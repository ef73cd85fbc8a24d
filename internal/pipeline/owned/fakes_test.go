// Stand-ins for what lies elsewhere: a shared store and kept states in memory, with faults before and after
// a call takes effect.
package owned

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/ledger"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

var errAway = errors.New("away")

// faults decides which calls fail, and whether they took effect.
type faults struct {
	mu   sync.Mutex
	rng  *rand.Rand
	rate float64
}

// around calls f unless the fault comes first.
func (f *faults) around(call func() error) error {
	f.mu.Lock()
	before, after := f.rng.Float64() < f.rate, f.rng.Float64() < f.rate
	f.mu.Unlock()
	if before {
		return errAway
	}
	if err := call(); err != nil {
		return err
	}
	if after {
		return errAway
	}
	return nil
}

func (f *faults) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = 0
}

// sharedStore keeps whole batches by their name. The reference answers from them, and is kept.
type sharedStore struct {
	t      testing.TB
	faults *faults
	mem    *storetest.MemShared

	mu       sync.Mutex
	batches  map[store.BatchID]*store.SharedBatch
	progress map[event.Partition]store.Progress
	begun    map[event.Partition]uint64 // the batches behind which partitions began again
	repeated int                        // inserts of a batch that was there
	steps    map[string]map[uint64]bool // of upkeep: the terms that did them
	erased   map[store.Erasure]bool
}

func newSharedStore(t testing.TB, f *faults) *sharedStore {
	return &sharedStore{t: t, faults: f, mem: storetest.NewMemShared(storetest.NewSharedRows(), "log", nil),
		begun: map[event.Partition]uint64{},
		steps: map[string]map[uint64]bool{}, erased: map[store.Erasure]bool{}, batches: map[store.BatchID]*store.SharedBatch{}, progress: map[event.Partition]store.Progress{}}
}

func (s *sharedStore) Insert(_ context.Context, id store.BatchID, b *store.SharedBatch) error {
	return s.faults.around(func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		rows := &store.SharedBatch{Outcomes: maps.Clone(b.Outcomes), Erasures: slices.Clone(b.Erasures), Batch: store.Batch{Events: slices.Clone(b.Events),
			Sessions: slices.Clone(b.Sessions), Aliases: slices.Clone(b.Aliases)}}
		if had := s.batches[id]; had != nil {
			s.repeated++
			if diff := cmp.Diff(had, rows, cmpopts.EquateEmpty()); diff != "" { // O1
				s.t.Errorf("batch %v has other rows when it is repeated:\n%s", id, diff)
			}
			return nil
		}
		if id.Seq > 1 && id.Seq != s.begun[id.Partition]+1 && s.batches[store.BatchID{Log: id.Log, Partition: id.Partition, Seq: id.Seq - 1}] == nil {
			s.t.Errorf("batch %v before the one that precedes it", id)
		}
		s.batches[id] = rows
		s.notFinal(rows)
		return s.mem.Insert(context.Background(), id, rows) // a server does not know that the caller went away
	})
}

// notFinal checks what upkeep promises the store: nothing that comes later lies on a final day (S28).
func (s *sharedStore) notFinal(b *store.SharedBatch) {
	m := s.manifest()
	for _, e := range b.Events {
		if until, final := m.FinalUntil[e.Property]; final && e.EventTime < until {
			s.t.Errorf("an event of %v came after its day became final, until %v", e.EventTime, until)
		}
	}
	for _, r := range b.Sessions {
		if until, final := m.FinalUntil[r.Property]; final && !r.Tombstone && r.Start < until {
			s.t.Errorf("a session of %v was revised after its day became final, until %v", r.Start, until)
		}
	}
}

func (s *sharedStore) manifest() store.Manifest {
	sn, err := s.mem.Snapshot(context.Background())
	if err != nil {
		s.t.Errorf("snapshot: %v", err)
		return store.Manifest{}
	}
	return sn.Manifest()
}

func (s *sharedStore) Publish(_ context.Context, p store.Progress) error {
	return s.faults.around(func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if had := s.progress[p.Partition]; had.Seq == p.Seq && had != p {
			s.t.Errorf("progress of one batch is told as %v and as %v", had, p)
		}
		if _, some := s.progress[p.Partition]; !some && p.Seq > 1 {
			s.begun[p.Partition] = p.Seq
		}
		if s.begun[p.Partition] != p.Seq && s.batches[store.BatchID{Log: "log", Partition: p.Partition, Seq: p.Seq}] == nil { // O3
			s.t.Errorf("published before it was inserted: %v", p)
		}
		if p.Seq > s.progress[p.Partition].Seq {
			s.progress[p.Partition] = p
		}
		return s.mem.Publish(context.Background(), p)
	})
}

func (s *sharedStore) Progress(context.Context) ([]store.Progress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.progress)), nil
}

func (s *sharedStore) Outcomes(ctx context.Context, id event.PropertyID) (sum ledger.Outcomes, err error) {
	return s.mem.Outcomes(ctx, id)
}

func (s *sharedStore) Snapshot(ctx context.Context) (store.Snapshot, error) {
	return s.mem.Snapshot(ctx)
}
func (s *sharedStore) Erasures(ctx context.Context) ([]store.Erasure, error) {
	return s.mem.Erasures(ctx)
}
func (s *sharedStore) Close() error { return nil }

// keptState is a state as it was saved.
type keptState struct {
	meta    *state.Meta
	clients map[string]string
}

func (k keptState) clone() keptState {
	out := keptState{clients: maps.Clone(k.clients)}
	if k.meta != nil {
		m := *k.meta
		m.Partitions, m.Marks = slices.Clone(m.Partitions), slices.Clone(m.Marks)
		out.meta = &m
	}
	return out
}

// keptStates is where states are kept.
type keptStates struct {
	t      testing.TB
	faults *faults
	mu     sync.Mutex
	named  map[string]keptState
	purged int // keys
}

func (k *keptStates) Owner(p event.Partition, epoch uint64) (OwnerStates, error) {
	return &ownedStates{k, p, epoch}, nil
}

type ownedStates struct {
	*keptStates
	p     event.Partition
	epoch uint64
}

func (k *ownedStates) Open(_ context.Context, name string) (s state.State, err error) {
	err = k.faults.around(func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		kept, ok := k.named[name]
		if name != "" && !ok {
			return fmt.Errorf("state %q of partition %d is not there: %w", name, k.p, state.ErrCorrupt)
		}
		kept = kept.clone()
		if kept.clients == nil {
			kept.clients = map[string]string{}
		}
		s = &memState{keptState: kept, kept: k.keptStates}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (k *ownedStates) Save(_ context.Context, name string, s state.State) error {
	return k.faults.around(func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if n := parseName(k.t, name); n[0] != uint64(k.p) || n[1] != k.epoch {
			k.t.Errorf("partition %d, epoch %d saves %q", k.p, k.epoch, name)
		}
		k.named[name] = s.(*memState).keptState.clone()
		return nil
	})
}

func (k *ownedStates) Prune(_ context.Context, done string) error {
	return k.faults.around(func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		end := parseName(k.t, done)
		for name := range k.named {
			if n := parseName(k.t, name); n[0] == end[0] && slices.Compare(n[:], end[:]) < 0 {
				delete(k.named, name)
			}
		}
		return nil
	})
}

// parseName returns partition, epoch and sequence number of a state's name.
func parseName(t testing.TB, name string) (n [3]uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(name, "%d/%d-%d", &n[0], &n[1], &n[2]); err != nil {
		t.Errorf("state name %q: %v", name, err)
	}
	return n
}

// memState is a state.State in memory.
type memState struct {
	keptState
	kept *keptStates
}

func (s *memState) Load(context.Context) (*state.Meta, error) { return s.clone().meta, nil }

func (s *memState) Client(p event.Partition, key []byte) ([]byte, error) {
	v, ok := s.clients[fmt.Sprint(p, string(key))]
	if !ok {
		return nil, nil
	}
	return []byte(v), nil
}

func (s *memState) Clients(_ context.Context, p event.Partition, yield func(key, value []byte) error) error {
	for k, v := range maps.Clone(s.clients) {
		if key, ok := strings.CutPrefix(k, fmt.Sprint(p, "")); ok {
			if err := yield([]byte(key), []byte(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *memState) Begin() state.Commit { return &memCommit{state: s, set: map[string]*string{}} }
func (s *memState) Close() error        { return nil }

// Purge only counts: who was erased may have come back.
func (s *memState) Purge(_ context.Context, _ event.Partition, keys [][]byte) error {
	return s.kept.faults.around(func() error {
		s.kept.mu.Lock()
		defer s.kept.mu.Unlock()
		s.kept.purged += len(keys)
		return nil
	})
}

type memCommit struct {
	state *memState
	set   map[string]*string
}

func (c *memCommit) InOrder() {}

func (c *memCommit) Client(p event.Partition, key, value []byte) error {
	v := string(value)
	c.set[fmt.Sprint(p, string(key))] = &v
	if value == nil {
		c.set[fmt.Sprint(p, string(key))] = nil
	}
	return nil
}

func (c *memCommit) Finish(_ context.Context, m *state.Meta) error {
	for k, v := range c.set {
		if v == nil {
			delete(c.state.clients, k)
		} else {
			c.state.clients[k] = *v
		}
	}
	c.state.meta = keptState{meta: m}.clone().meta
	return nil
}

func (c *memCommit) Abandon() {}

// farIntents are intents behind a connection that fails.
type farIntents struct {
	intent.Registry
	faults *faults
}

func (r farIntents) Acquire(ctx context.Context, p int, node string) (epoch uint64, err error) {
	err = r.faults.around(func() (err error) { epoch, err = r.Registry.Acquire(ctx, p, node); return err })
	return epoch, err
}

func (r farIntents) Begin(ctx context.Context, i intent.Intent) error {
	return r.faults.around(func() error { return r.Registry.Begin(ctx, i) })
}

func (r farIntents) Save(ctx context.Context, p int, epoch, seq uint64) error {
	return r.faults.around(func() error { return r.Registry.Save(ctx, p, epoch, seq) })
}

func (r farIntents) Done(ctx context.Context, p int, epoch, seq uint64) error {
	return r.faults.around(func() error { return r.Registry.Done(ctx, p, epoch, seq) })
}

func (r farIntents) Rewind(ctx context.Context, i intent.Intent) error {
	return r.faults.around(func() error { return r.Registry.Rewind(ctx, i) })
}

func (r farIntents) Progress(ctx context.Context, p int) (out intent.Progress, err error) {
	err = r.faults.around(func() (err error) { out, err = r.Registry.Progress(ctx, p); return err })
	return out, err
}
