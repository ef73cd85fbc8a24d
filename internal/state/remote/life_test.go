// Random lives of a partition: owners that come and go, diverge, crash and prune
// with what they knew long ago, and a store that loses answers and does what it was
// told hours later. A state that the registry names is always there, and is what
// was committed.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/intent/memintent"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
)

const lifeSeedEnv = "TIDEMARK_MOVE_SEED"

// life is one partition, its registry, its store, and the nodes that had it.
type life struct {
	t        *testing.T
	rng      *rand.Rand
	registry intent.Registry
	store    *slowStore
	saves    *Saves
	nodes    []*node
	models   map[string]map[string]string // what each state name stands for
	log      []string
}

// node is one machine.
type node struct {
	root  string
	owner *Owner // nil: it never had the partition, or ended
	epoch uint64
	live  *pebblestate.State
	model map[string]string
	seq   uint64 // of the last batch that it believes to be done
	done  []string
	stale bool // it is fenced, and has saved once more all the same
}

// enoughBatches must be done for a life to prove something.
const enoughBatches = 10

func TestMV5_RegistryNamesWholeStatesOnly(t *testing.T) {
	seeds := []uint64{rand.Uint64(), rand.Uint64()}
	if text := os.Getenv(lifeSeedEnv); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			l := newLife(t, seed)
			defer func() {
				if t.Failed() {
					t.Logf("%s=%d plays it again:", lifeSeedEnv, seed)
					for _, line := range l.log[max(0, len(l.log)-40):] {
						t.Log(line)
					}
				}
			}()
			// How many batches are done within 120 acts is chance.
			for n := 0; n < 120 || l.progress().Last.Seq < enoughBatches && n < 5000; n++ {
				l.act()
				l.look()
			}
			l.store.late(l.rng, 1)
			l.look()
			l.end()
		})
	}
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, rng: rand.New(rand.NewPCG(seed, 7)), registry: memintent.NewStorage().Open(), models: map[string]map[string]string{"": {}}}
	l.store = &slowStore{Store: newStore(t, t.TempDir()), rng: rand.New(rand.NewPCG(seed, 8))}
	l.saves = oneByOne(t, l.store)
	for range 3 {
		l.nodes = append(l.nodes, &node{root: t.TempDir()})
	}
	return l
}

func (l *life) say(format string, args ...any) { l.log = append(l.log, fmt.Sprintf(format, args...)) }

func (l *life) act() {
	i := l.rng.IntN(len(l.nodes))
	n := l.nodes[i]
	switch what := l.rng.IntN(20); {
	case what < 3 || n.owner == nil:
		l.acquire(i, n)
	case what < 15 && !n.stale:
		l.batch(i, n)
	case what < 17:
		l.prune(i, n)
	case what < 18:
		l.say("node %d ends", i)
		n.close(l.t)
	default:
		l.store.late(l.rng, 0.5)
		l.say("requests arrive late")
	}
}

func (n *node) close(t *testing.T) {
	t.Helper()
	if n.live != nil {
		if err := n.live.Close(); err != nil {
			t.Fatal(err)
		}
	}
	n.owner, n.live = nil, nil
}

func (l *life) progress() intent.Progress {
	p, err := l.registry.Progress(context.Background(), 7)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// acquire takes the partition over, as the pipeline does.
func (l *life) acquire(i int, n *node) {
	n.close(l.t)
	epoch, err := l.registry.Acquire(context.Background(), 7, fmt.Sprint(i))
	if err != nil {
		l.t.Fatal(err)
	}
	p := l.progress()
	from, seq := p.Last.State, p.Last.Seq
	if p.Open != nil && p.Open.Saved {
		// Only step 4 is left.
		o := *p.Open
		o.Epoch = epoch
		if err := errors.Join(l.registry.Begin(context.Background(), o), l.registry.Done(context.Background(), 7, epoch, o.Seq)); err != nil {
			l.t.Fatal(err)
		}
		from, seq = o.State, o.Seq
	}
	l.say("node %d acquires epoch %d, goes on from %q", i, epoch, from)
	o := owner(l.t, l.saves, epoch)
	crashAt(l.saves, l.rng.IntN(60)) // mostly later than it has steps, or never
	dir, _, err := o.Fetch(context.Background(), from, n.root)
	crashAt(l.saves, 0)
	if err != nil {
		l.failed(err, "fetch")
		return
	}
	live := openState(l.t, dir)
	want := l.models[from]
	l.compare(live, want, from)
	*n = node{root: n.root, owner: o, epoch: epoch, live: live, model: maps.Clone(want), seq: seq, done: n.done}
	if from != "" {
		n.done = append(n.done, from)
	}
	if l.rng.IntN(2) == 0 {
		if err := Clean(n.root, dir); err != nil {
			l.t.Fatal(err)
		}
	}
}

// failed takes no error that nobody made.
func (l *life) failed(err error, what string) {
	l.t.Helper()
	if !errors.Is(err, errCrash) && !errors.Is(err, blobtest.ErrInjected) {
		l.t.Fatalf("%s: %v", what, err)
	}
	l.say("%s fails: %v", what, err)
}

func clientKey(i int) []byte { return fmt.Appendf(nil, "client %d", i) }

const lifeClients = 60

func (l *life) batch(i int, n *node) {
	ctx := context.Background()
	c := n.live.Begin()
	for range 1 + l.rng.IntN(20) {
		k := l.rng.IntN(lifeClients)
		v := noise(byte(l.rng.Uint32()), l.rng.IntN(3000))
		if l.rng.IntN(5) == 0 {
			delete(n.model, string(clientKey(k)))
			l.must(c.Client(7, clientKey(k), nil))
			continue
		}
		n.model[string(clientKey(k))] = v
		l.must(c.Client(7, clientKey(k), []byte(v)))
	}
	l.must(c.Finish(ctx, &state.Meta{Sequence: n.seq + 1}))
	c.Abandon()
	if l.rng.IntN(3) == 0 {
		l.must(n.live.Purge(ctx, event.Partition(7), nil)) // flushes, and compacts before long
	}
	it := intent.Intent{Partition: 7, Epoch: n.epoch, Seq: n.seq + 1, From: n.seq * 10, To: n.seq*10 + 10, State: intent.StateName(7, n.epoch, n.seq+1)}
	l.models[it.State] = maps.Clone(n.model)
	fenced := l.registry.Begin(ctx, it)
	if fenced != nil && !errors.Is(fenced, intent.ErrFenced) {
		l.t.Fatal(fenced)
	}
	// One that is fenced may not know it yet, and go on.
	l.say("node %d saves %s, fenced: %v", i, it.State, fenced != nil)
	for enough := false; !enough; {
		// Once more is no error, and changes nothing.
		enough = l.rng.IntN(2) == 0
		dir := filepath.Join(l.t.TempDir(), "copy")
		l.must(n.live.Copy(ctx, dir))
		if l.rng.IntN(6) == 0 {
			crashAt(l.saves, 1+l.rng.IntN(8))
		}
		_, err := n.owner.Save(ctx, it.State, dir)
		crashAt(l.saves, 0)
		if errors.Is(err, errCrash) {
			l.failed(err, "save")
			n.close(l.t)
			return
		}
		if err != nil {
			l.failed(err, "save")
			enough = false
		}
	}
	l.finish(n, it)
}

// finish tells the registry, and may die in between.
func (l *life) finish(n *node, it intent.Intent) {
	ctx := context.Background()
	if l.rng.IntN(12) == 0 {
		l.say("it dies before the registry knows")
		n.close(l.t)
		return
	}
	err := l.registry.Save(ctx, 7, it.Epoch, it.Seq)
	if err == nil && l.rng.IntN(12) == 0 {
		l.say("it dies before the batch is done")
		n.close(l.t)
		return
	}
	if err == nil {
		err = l.registry.Done(ctx, 7, it.Epoch, it.Seq)
	}
	if errors.Is(err, intent.ErrFenced) {
		if n.stale = true; l.rng.IntN(2) == 0 {
			n.close(l.t) // else it stays, and prunes by what it knew
		}
		return
	}
	l.must(err)
	n.seq++
	n.done = append(n.done, it.State)
}

// prune goes by any done state that the node ever knew, fenced or not.
func (l *life) prune(i int, n *node) {
	if len(n.done) == 0 {
		return
	}
	done := n.done[len(n.done)-1]
	if l.rng.IntN(3) == 0 {
		done = n.done[l.rng.IntN(len(n.done))]
	}
	l.say("node %d prunes before %s", i, done)
	if l.rng.IntN(3) == 0 {
		crashAt(l.saves, 1+l.rng.IntN(20))
	}
	_, err := n.owner.Prune(context.Background(), done)
	crashAt(l.saves, 0)
	// A state that somebody else has pruned since is not there.
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		l.failed(err, "prune")
	}
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// look: what the registry names is whole.
func (l *life) look() {
	l.t.Helper()
	p := l.progress()
	names := []string{p.Last.State}
	if p.Open != nil && p.Open.Saved {
		names = append(names, p.Open.State)
	}
	calm := newSaves(l.t, l.store.Store)
	for _, stateName := range names {
		if stateName != "" {
			l.must(calm.Verify(context.Background(), stateName))
		}
	}
}

// end fetches the last state on a machine that never had it.
func (l *life) end() {
	p, calm := l.progress(), newSaves(l.t, l.store.Store)
	dir, _ := fetch(l.t, owner(l.t, calm, p.Epoch+1), p.Last.State, l.t.TempDir())
	live := openState(l.t, dir)
	l.compare(live, l.models[p.Last.State], p.Last.State)
	l.must(live.Close())
	for _, n := range l.nodes {
		n.close(l.t)
	}
	if p.Last.Seq < enoughBatches {
		l.t.Errorf("only %d batches were done: the life proves little", p.Last.Seq)
	}
}

func (l *life) compare(live *pebblestate.State, want map[string]string, stateName string) {
	l.t.Helper()
	for i := range lifeClients {
		got, err := live.Client(7, clientKey(i))
		if err != nil {
			l.t.Fatal(err)
		}
		if string(got) != want[string(clientKey(i))] {
			l.t.Fatalf("state %s: client %d has %d bytes, other than the %d that were committed", stateName, i, len(got), len(want[string(clientKey(i))]))
		}
	}
}

// slowStore loses requests and answers, and does what was lost later.
type slowStore struct {
	blob.Store
	mu    sync.Mutex
	rng   *rand.Rand
	later []func()
}

// change does it now, later, or now and later again.
func (s *slowStore) change(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := s.rng.IntN(40)
	if what == 0 || what == 1 {
		s.later = append(s.later, func() { _ = do() }) // nobody waits for it any more
	}
	if what == 0 || what == 2 {
		return errors.Join(blobtest.ErrInjected, blob.ErrAway)
	}
	if err := do(); err != nil || what != 3 {
		return err
	}
	return errors.Join(blobtest.ErrInjected, blob.ErrAway)
}

// late does a part of what is left.
func (s *slowStore) late(rng *rand.Rand, part float64) {
	var left []func()
	for _, do := range s.later {
		if rng.Float64() < part {
			do()
		} else {
			left = append(left, do)
		}
	}
	s.later = left
}

// kept reads the content now: its file is gone when the request arrives.
func kept(c blob.Content) (blob.Content, error) {
	b, err := io.ReadAll(c.Reader())
	c.Data = bytes.NewReader(b)
	return c, err
}

func (s *slowStore) Put(_ context.Context, key string, c blob.Content) error {
	c, err := kept(c)
	if err != nil {
		return err
	}
	return s.change(func() error { return s.Store.Put(context.Background(), key, c) })
}

func (s *slowStore) Create(_ context.Context, key string, c blob.Content) error {
	c, err := kept(c)
	if err != nil {
		return err
	}
	return s.change(func() error { return s.Store.Create(context.Background(), key, c) })
}

func (s *slowStore) Delete(_ context.Context, key string) error {
	return s.change(func() error { return s.Store.Delete(context.Background(), key) })
}
