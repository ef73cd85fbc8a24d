// Whole lives: nodes that come, die, stand still and fence each other, with faults in all that they
// call. Afterwards every record was folded into the store once, and as one fold alone does it.
package owned

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/fold"
	"tidemark/internal/intent/memintent"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/testkit/traffic"
)

const partitions = 3

// node is one process.
type node struct {
	*Processor
	mu     sync.Mutex
	dead   bool
	frozen chan struct{} // closed when it goes on; nil if it does
}

// step is where a process dies or stands still.
func (n *node) step() {
	n.mu.Lock()
	dead, frozen := n.dead, n.frozen
	n.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
	if frozen != nil {
		<-frozen
		n.step()
	}
}

// life is one run.
type life struct {
	t       *testing.T
	rng     *rand.Rand
	log     *memlog.Log
	store   *sharedStore
	states  *keptStates
	intents farIntents
	faults  *faults
	nodes   []*node
	began   int
	last    event.Time      // of traffic
	clients []store.Erasure // that were seen
}

func newLife(t *testing.T, seed uint64) *life {
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &faults{rng: rand.New(rand.NewPCG(seed, 2)), rate: 0.05}
	return &life{t: t, rng: rng, faults: f, log: memlog.New(memlog.Config{Partitions: partitions}),
		store:   newSharedStore(t, f),
		states:  &keptStates{t: t, faults: f, named: map[string]keptState{}},
		intents: farIntents{memintent.NewStorage().Open(), f}}
}

func testConfig(name string) Config {
	cfg := DefaultConfig()
	cfg.Node, cfg.LogName = name, "log"
	cfg.BatchInterval, cfg.FencedPause, cfg.Pause, cfg.MaxPause = 0, 0, time.Microsecond, time.Millisecond
	cfg.UpkeepInterval = time.Millisecond
	cfg.LogRetention = 1000 * 24 * time.Hour // one fold alone shall read it
	cfg.PruneBatches = 1
	cfg.LiveClients = 2 // most come from the state
	return cfg
}

// start begins a process that owns nothing.
func (l *life) start() {
	n := &node{}
	l.began++
	cfg := testConfig(fmt.Sprint("node ", l.began))
	cfg.BatchRecords = 1 + l.rng.IntN(40)
	var err error
	n.Processor, err = New(cfg, Deps{Log: l.log, Intents: l.intents, Store: l.store, States: l.states,
		Deriver: enrich.NewDeriver(enrich.DefaultConfig()), Logger: slog.New(slog.DiscardHandler), Clock: time.Now,
		RowDays: func(context.Context) (map[event.PropertyID]int, error) {
			return map[event.PropertyID]int{droppedProperty: 8}, nil
		},
		Step: func(event.Partition, string) { n.step() }})
	if err != nil {
		l.t.Fatal(err)
	}
	l.nodes = append(l.nodes, n)
}

func (l *life) any() *node { return l.nodes[l.rng.IntN(len(l.nodes))] }

func (l *life) some() (out []event.Partition) {
	for p := range event.Partition(partitions) {
		if l.rng.IntN(2) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// happen does one thing to somebody. Who is told of a partition and who has it is not kept in
// agreement: a real group lags as well.
func (l *life) happen() {
	if len(l.nodes) == 0 {
		l.start()
	}
	n := l.any()
	switch l.rng.IntN(9) {
	case 0:
		if len(l.nodes) < 4 {
			l.start()
		}
	case 1, 2, 3:
		n.Assign(l.some())
	case 4:
		if !n.isFrozen() {
			n.Revoke(l.some())
		}
	case 5:
		if !n.isFrozen() {
			n.Lose(l.some())
		}
	case 6: // kill -9
		n.die()
		l.nodes = slices.DeleteFunc(l.nodes, func(other *node) bool { return other == n })
	case 7: // SIGSTOP
		n.mu.Lock()
		if n.frozen == nil {
			n.frozen = make(chan struct{})
		}
		n.mu.Unlock()
	case 8: // SIGCONT
		n.thaw()
	}
}

func (n *node) isFrozen() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frozen != nil
}

func (n *node) thaw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen != nil {
		close(n.frozen)
		n.frozen = nil
	}
}

func (n *node) die() {
	n.mu.Lock()
	n.dead = true
	n.mu.Unlock()
	n.thaw()
	n.Lose(n.Owned())
}

// send appends n records of traffic, and a tick.
func (l *life) send(source *traffic.Source, n int) {
	b := &eventlog.Batch{}
	for range n {
		sent, ok := source.Next()
		if !ok {
			l.t.Fatal("traffic ended")
		}
		l.last = sent.At
		l.clients = append(l.clients, store.Erasure{Property: event.PropertyID(sent.Event.Property), ClientID: sent.Event.ClientId})
		b.Records = append(b.Records, record(l.t, &event.Record{Kind: &event.Record_Event{Event: sent.Event}},
			event.PartitionOf(event.PropertyID(sent.Event.Property), sent.Event.ClientId, partitions)))
		b.Counts = append(b.Counts, eventlog.Count{Property: event.PropertyID(sent.Event.Property), N: 1})
	}
	if len(l.clients) > 0 && l.rng.IntN(6) == 0 {
		of := l.clients[l.rng.IntN(len(l.clients))]
		b.Records = append(b.Records, record(l.t, &event.Record{Kind: &event.Record_Erasure{Erasure: &event.Erasure{
			Property: uint64(of.Property), ClientId: of.ClientID, IngestTime: int64(l.last)}}},
			event.PartitionOf(of.Property, of.ClientID, partitions)))
	}
	b.Records = append(b.Records, l.ticks(l.last)...)
	if err := l.log.Append(context.Background(), b); err != nil {
		l.t.Fatal(err)
	}
}

// ticks move the clocks of all partitions.
func (l *life) ticks(to event.Time) (out []eventlog.Record) {
	for p := range event.Partition(partitions) {
		out = append(out, record(l.t, &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(to)}}}, p))
	}
	return out
}

func record(t *testing.T, r *event.Record, p event.Partition) eventlog.Record {
	t.Helper()
	payload, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return eventlog.Record{Partition: p, Payload: payload}
}

// define puts the definitions of all properties first.
func (l *life) define(cfg traffic.Config) {
	b := &eventlog.Batch{}
	for _, p := range cfg.Properties {
		d := &event.Record{Kind: &event.Record_Definition{Definition: &event.Definition{Property: uint64(p.ID), Version: 1,
			TimeZone: p.Zone, Currency: p.Currency, SessionTimeoutMs: (30 * time.Minute).Milliseconds(), IngestTime: cfg.Start.UnixMicro()}}}
		for part := range event.Partition(partitions) {
			b.Records = append(b.Records, record(l.t, d, part))
		}
	}
	if err := l.log.Append(context.Background(), b); err != nil {
		l.t.Fatal(err)
	}
}

// finish mends everything and has one node fold what is left.
func (l *life) finish() {
	l.faults.heal()
	for _, n := range l.nodes {
		n.thaw()
		n.Lose(n.Owned())
	}
	l.start()
	last := l.nodes[len(l.nodes)-1]
	last.Assign([]event.Partition{0, 1, 2})
	b := &eventlog.Batch{Records: l.ticks(l.last.Add(8 * 24 * time.Hour))}
	if err := l.log.Append(context.Background(), b); err != nil {
		l.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); last.lag() > 0 || len(l.store.progress) < partitions || !l.isKept(); runtime.Gosched() {
		select {
		case err := <-last.failed:
			l.t.Fatal(err)
		default:
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d records were not folded, or the store is not kept: %+v", last.lag(), l.store.manifest())
		}
	}
	if err := last.Close(); err != nil {
		l.t.Fatal(err)
	}
	for _, n := range l.nodes {
		select {
		case err := <-n.failed:
			l.t.Errorf("a node gave up: %v", err)
		default:
		}
	}
}

// told is what rows say, whatever batches they came in.
type told struct {
	Events   map[[2]uint64]store.EventRow
	Sessions map[event.RowID]store.SessionRow
	Aliases  map[event.RowID]event.RowID
	Outcomes map[event.PropertyID]ledger.Outcomes
}

func newTold() *told {
	return &told{map[[2]uint64]store.EventRow{}, map[event.RowID]store.SessionRow{}, map[event.RowID]event.RowID{},
		map[event.PropertyID]ledger.Outcomes{}}
}

// add takes the rows of a batch; batches of a partition must come in order.
func (w *told) add(t *testing.T, b *store.SharedBatch) {
	t.Helper()
	for _, e := range b.Events {
		key := [2]uint64{uint64(e.Row), uint64(e.Sub)}
		if _, twice := w.Events[key]; twice {
			t.Errorf("event %v is there twice", key)
		}
		w.Events[key] = e
	}
	for _, s := range b.Sessions {
		if s.Revision <= w.Sessions[s.Session].Revision {
			t.Errorf("session %d: revision %d after %d", s.Session, s.Revision, w.Sessions[s.Session].Revision)
		}
		w.Sessions[s.Session] = s
	}
	for _, a := range b.Aliases {
		w.Aliases[a.Part] = a.Session
	}
	for id, o := range b.Outcomes {
		sum := w.Outcomes[id]
		sum.Add(&o)
		w.Outcomes[id] = sum
	}
}

// settled drops what depends on where batches were cut: revisions, tombstones, and aliases that say
// what is so anyway.
func (w *told) settled() *told {
	for id, s := range w.Sessions {
		s.Revision = 0
		w.Sessions[id] = s
		if s.Tombstone {
			delete(w.Sessions, id)
		}
	}
	for part, session := range w.Aliases {
		if part == session {
			delete(w.Aliases, part)
		}
	}
	return w
}

// byOneFold is the same log, folded whole.
func (l *life) byOneFold() *told {
	want := newTold()
	for p := range event.Partition(partitions) {
		f := fold.New(p, savedClients{&memState{}, p}, enrich.NewDeriver(enrich.DefaultConfig()))
		b := &store.SharedBatch{Outcomes: map[event.PropertyID]ledger.Outcomes{}}
		entries, err := l.log.Read(context.Background(), p, 0, 1<<30, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range entries {
			if err := f.Apply(e.Offset, e.Payload, &b.Batch); err != nil {
				l.t.Fatal(err)
			}
		}
		f.Flush(&b.Batch)
		f.TakeOutcomes(b.Outcomes)
		want.add(l.t, b)
	}
	return want.settled()
}

func (l *life) inStore() *told {
	got := newTold()
	for p := range event.Partition(partitions) {
		for seq := uint64(1); seq <= l.store.progress[p].Seq; seq++ {
			if seq > l.store.begun[p] {
				got.add(l.t, l.store.batches[store.BatchID{Log: "log", Partition: p, Seq: seq}])
			}
		}
	}
	return got.settled()
}

func TestEveryRecordIsFoldedOnceWhoeverOwnsThePartitionS26(t *testing.T) {
	repeated, taken, kept := 0, 0, map[string]int{}
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			l := newLife(t, seed)
			cfg := traffic.DefaultConfig()
			cfg.Seed, cfg.Clients, cfg.Rate = seed, 40, 0.0006 // some days
			source, err := traffic.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			l.define(cfg)
			for range 60 {
				l.send(source, l.rng.IntN(20))
				for range l.rng.IntN(4) {
					l.happen()
				}
			}
			l.finish()
			if diff := cmp.Diff(l.byOneFold(), l.inStore()); diff != "" {
				t.Errorf("store (-one fold +owners):\n%s", diff)
			}
			l.compareAnswers()
			if len(l.store.erased) > 0 && l.states.purged == 0 {
				t.Error("no state was purged of who was erased")
			}
			for step, terms := range l.store.steps {
				kept[step] += len(terms)
			}
			progress, err := l.intents.Progress(context.Background(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(l.states.named) != partitions {
				t.Errorf("%d states are kept, not one of each partition: %v", len(l.states.named), slices.Collect(maps.Keys(l.states.named)))
			}
			repeated, taken = repeated+l.store.repeated, taken+int(progress.Epoch)
		})
	}
	if repeated < 50 || taken < 200 {
		t.Errorf("only %d batches were inserted again, and %d times a partition was taken over: the lives are too quiet", repeated, taken)
	}
	for _, step := range []string{"finalize", "roll up", "erase", "drop", "tidy"} {
		if kept[step] < 30 {
			t.Errorf("%q was done in %d terms only: the lives are too quiet", step, kept[step])
		}
	}
	t.Logf("%d batches inserted again, partition 0 taken over %d times, terms by step: %v", repeated, taken, kept)
}
