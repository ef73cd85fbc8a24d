// The suite of shared stores: rows are there once, whatever happens to inserts (U1, U3, U4).
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// within is how long a test waits for a store that fails again and again.
const within = 2 * time.Minute

// crowd is a batch with rows on several days, in all tables.
func crowd(id store.BatchID, n int) *store.SharedBatch {
	b := &store.SharedBatch{Batch: *visits(int(id.Partition)*1_000_000+int(id.Seq)*1000, n),
		Outcomes: map[event.PropertyID]ledger.Outcomes{1: {Stored: int64(n)}, 2: {Duplicate: 1}}}
	for i := range b.Events {
		late := dayMicros * event.Time(i%3)
		b.Events[i].EventTime += late
		b.Sessions[i].Start, b.Sessions[i].End = b.Events[i].EventTime, b.Events[i].EventTime
		b.Aliases[i].Time += late
	}
	return b
}

// once fails unless all tables have exactly the rows of n visits.
func (w *sharedWorld) once(s store.Shared, n int, stored int64) {
	w.t.Helper()
	sn := snapshotOf(w.t, s)
	defer sn.Release()
	want := fmt.Sprintf(": %d\n", n)
	for name, p := range map[string]*store.Plan{"events": countEvents(), "sessions": countSessions(), "joined": countJoined()} {
		if got := mustRun(w.t, sn, p); got != want {
			w.t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	sums := countSessions()
	sums.Aggregates = []store.Aggregate{{Op: store.Sum, Column: store.ColSessionViews}}
	if got := mustRun(w.t, sn, sums); got != want {
		w.t.Errorf("views of sessions: got %q, want %q", got, want)
	}
	o, err := s.Outcomes(context.Background(), 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if o.Stored != stored {
		w.t.Errorf("stored: got %d, want %d", o.Stored, stored)
	}
}

// persist calls f until it returns nil.
func persist(t testing.TB, f func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still failing: %v", err)
			return
		}
	}
}

func testInsertAgain(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	other := w.another(nil)
	ctx := context.Background()
	for seq := 1; seq <= 3; seq++ {
		id := w.batchID(3)
		for _, s := range []store.Shared{w.store, w.store, other, w.store, other} {
			if err := s.Insert(ctx, id, crowd(id, 20)); err != nil {
				t.Fatal(err)
			}
		}
		w.publish(other, id)
		if err := w.store.Insert(ctx, id, crowd(id, 20)); err != nil {
			t.Fatal(err)
		}
		w.once(w.store, 20*seq, int64(20*seq))
	}
	// A batch without rows is a batch.
	id := w.batchID(3)
	w.insert(w.store, id, &store.Batch{})
	w.publish(w.store, id)
	w.once(other, 60, 60)
}

func testInsertByMany(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	stores := []store.Shared{w.store, w.another(nil), w.another(nil)}
	for range 4 {
		id := w.batchID(3)
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if err := stores[i%3].Insert(context.Background(), id, crowd(id, 15)); err != nil {
					t.Errorf("insert: %v", err)
				}
			})
		}
		wg.Wait()
		w.publish(w.store, id)
	}
	w.once(stores[1], 60, 60)
}

// testInsertWithFaults: two owners, each batch by both, requests fail before, in the middle
// and after they were served.
func testInsertWithFaults(t *testing.T, kit SharedKit) {
	const partitions, batches = 3, 5
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := newSharedWorld(t, kit)
	var wg sync.WaitGroup
	for p := range event.Partition(partitions) {
		for owner := range 2 {
			s := w.another(NewFaults(seed + uint64(p)*10 + uint64(owner)))
			wg.Go(func() {
				for seq := uint64(1); seq <= batches; seq++ {
					id := store.BatchID{Log: sharedLog, Partition: p, Seq: seq}
					persist(t, func() error { return s.Insert(context.Background(), id, crowd(id, 12)) })
					persist(t, func() error { return s.Publish(context.Background(), progressAt(id)) })
				}
			})
		}
	}
	wg.Wait()
	w.once(w.store, partitions*batches*12, partitions*batches*12)
}

// testInsertWhileServersCrash: the servers are ended while batches come in; owners go on with what
// was not acknowledged. What was is there once.
func testInsertWhileServersCrash(t *testing.T, kit SharedKit) {
	const partitions, crashes = 4, 6
	w := newSharedWorld(t, kit)
	stop := make(chan struct{})
	done := make([]uint64, partitions)
	started := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for p := range event.Partition(partitions) {
		wg.Go(func() {
			for seq := uint64(1); ; seq++ {
				select {
				case <-stop:
					return
				default:
				}
				id := store.BatchID{Log: sharedLog, Partition: p, Seq: seq}
				persist(t, func() error {
					select {
					case started <- struct{}{}:
					default:
					}
					return w.store.Insert(context.Background(), id, crowd(id, 30))
				})
				persist(t, func() error { return w.store.Publish(context.Background(), progressAt(id)) })
				done[p] = seq
			}
		})
	}
	for range crashes {
		// Some inserts are under way.
		for range 2 * partitions {
			<-started
		}
		kit.Crash(t)
	}
	close(stop)
	wg.Wait()
	n := 0
	for _, seq := range done {
		n += int(seq) * 30
	}
	if n == 0 {
		t.Fatal("nothing was inserted")
	}
	s := w.another(nil)
	w.once(s, n, int64(n))
	progress, err := s.Progress(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range progress {
		if p.Seq != done[p.Partition] {
			t.Errorf("partition %d: published %d, want %d", p.Partition, p.Seq, done[p.Partition])
		}
	}
}

func testPublishNeverTakesBack(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	other := w.another(nil)
	ids := []store.BatchID{w.batchID(3), w.batchID(3), w.batchID(3)}
	for _, id := range ids {
		w.insert(w.store, id, visits(int(id.Seq)*100, 10))
	}
	w.publish(w.store, ids[1])
	w.publish(other, ids[0])
	late := progressAt(ids[0])
	late.Next, late.Clock = 999, 999
	if err := other.Publish(context.Background(), late); err != nil {
		t.Fatal(err)
	}
	w.publish(other, ids[1])
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countEvents()), ": 20\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got, err := other.Progress(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.Progress{progressAt(ids[1])}, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func testInvalidBatches(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	for _, id := range []store.BatchID{{Log: sharedLog, Partition: 3}, {Partition: 3, Seq: 1}, {Log: "another", Partition: 3, Seq: 1}} {
		if err := w.store.Insert(context.Background(), id, &store.SharedBatch{Batch: *visits(1, 1)}); err == nil {
			t.Errorf("%+v was taken", id)
		}
	}
	if err := w.store.Publish(context.Background(), store.Progress{Partition: 3}); err == nil {
		t.Error("a progress without a number was taken")
	}
}

func testClosedShared(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	w.append(visits(0, 3))
	s := w.another(nil)
	sn := snapshotOf(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := sn.Run(ctx, countEvents()); !errors.Is(err, context.Canceled) {
		t.Errorf("run with a canceled context: got %v, want %v", err, context.Canceled)
	}
	sn.Release()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	id := w.batchID(3)
	for name, call := range map[string]func() error{
		"insert":   func() error { return s.Insert(t.Context(), id, &store.SharedBatch{Batch: *visits(5, 1)}) },
		"publish":  func() error { return s.Publish(t.Context(), progressAt(id)) },
		"progress": func() error { _, err := s.Progress(t.Context()); return err },
		"outcomes": func() error { _, err := s.Outcomes(t.Context(), 1); return err },
		"snapshot": func() error { _, err := s.Snapshot(t.Context()); return err },
	} {
		if call() == nil {
			t.Errorf("a closed store did %s", name)
		}
	}
}
