// The suite of shared stores: what snapshots see (T1, T2, T7, U2).
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func testPublishedBatchIsVisible(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	reader := w.another(nil)
	first, second, elsewhere := w.batchID(3), w.batchID(3), w.batchID(9)
	count := func(when, want string) {
		t.Helper()
		sn := snapshotOf(t, reader)
		defer sn.Release()
		for _, p := range []*store.Plan{countEvents(), countSessions(), countJoined()} {
			if got := mustRun(t, sn, p); got != ": "+want+"\n" {
				t.Errorf("%s: got %q, want %s", when, got, want)
			}
		}
	}
	count("before anything", "0")
	w.insert(w.store, second, visits(100, 10))
	w.insert(w.store, first, visits(0, 10))
	w.insert(w.store, elsewhere, visits(200, 5))
	count("inserted", "0")
	w.publish(w.store, elsewhere)
	count("another partition published", "5")
	w.publish(w.store, second) // and so the first
	count("published", "25")
}

// testSharedBatchIsVisibleAsAWhole: while several partitions are written, any snapshot has as
// many events as sessions, and each event's session is there.
func testSharedBatchIsVisibleAsAWhole(t *testing.T, kit SharedKit) {
	const partitions, batches = 3, 12
	w := newSharedWorld(t, kit)
	reader := w.another(nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for p := range event.Partition(partitions) {
		wg.Go(func() {
			for seq := uint64(1); seq <= batches; seq++ {
				id := store.BatchID{Log: sharedLog, Partition: p, Seq: seq}
				if err := w.store.Insert(context.Background(), id, crowd(id, 20)); err != nil {
					t.Errorf("insert: %v", err)
				}
				if err := w.store.Publish(context.Background(), progressAt(id)); err != nil {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	defer wg.Wait() // also where a reader fails
	go func() {
		wg.Wait()
		close(stop)
	}()
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		sn := snapshotOf(t, reader)
		events, sessions, joined := mustRun(t, sn, countEvents()), mustRun(t, sn, countSessions()), mustRun(t, sn, countJoined())
		sn.Release()
		if events != sessions || events != joined {
			t.Fatalf("events %s sessions %s joined %s", events, sessions, joined)
		}
	}
	w.once(reader, partitions*batches*20, partitions*batches*20)
}

// testSharedSnapshotNeverChanges: later batches revise sessions and move parts that a held
// snapshot has seen.
func testSharedSnapshotNeverChanges(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	w.append(visits(0, 10))
	held := w.snapshot()
	defer held.Release()
	want := mustRun(t, held, bySource())
	revised := visits(0, 10)
	for i := range revised.Sessions {
		revised.Sessions[i].Revision = 2
		revised.Sessions[i].Source = "revised"
		revised.Aliases[i].Revision = 2
		revised.Aliases[i].Session = revised.Sessions[9].Session
		revised.Events[i].Sub = 1
	}
	w.append(revised)
	w.append(&store.Batch{Sessions: []store.SessionRow{{Property: 1, Session: 0, Revision: 3, Tombstone: true}}})
	w.kit.Crash(t)
	if diff := cmp.Diff(want, mustRun(t, held, bySource())); diff != "" {
		t.Errorf("snapshot changed (-before +after):\n%s", diff)
	}
	sn := w.snapshot()
	defer sn.Release()
	p := countEvents()
	p.Dimensions = []store.Dimension{{Column: store.ColSource}}
	if got, want := mustRun(t, sn, p), "revised : 20\n"; got != want {
		t.Errorf("a new snapshot: got %q, want %q", got, want)
	}
	if got, want := mustRun(t, sn, countSessions()), ": 9\n"; got != want {
		t.Errorf("sessions of a new snapshot: got %q, want %q", got, want)
	}
}

func testSharedSnapshotUnderWrites(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	reader := w.another(nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		defer close(stop)
		for i := range uint64(20) {
			id := store.BatchID{Log: sharedLog, Partition: event.Partition(i % 2), Seq: i/2 + 1}
			if err := w.store.Insert(context.Background(), id, &store.SharedBatch{Batch: *visits(int(i)*20, 20)}); err != nil {
				t.Errorf("insert: %v", err)
				return
			}
			if err := w.store.Publish(context.Background(), progressAt(id)); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
		}
	})
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		sn := snapshotOf(t, reader)
		first, second := mustRun(t, sn, bySource()), mustRun(t, sn, bySource())
		sn.Release()
		if first != second {
			t.Fatalf("one snapshot, two answers:\n%s\n%s", first, second)
		}
	}
	w.once(w.store, 400, 0)
}

func testSharedPropertiesAreApart(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	b := visits(0, 10)
	other := visits(0, 10)
	for i := range other.Events {
		other.Events[i].Property, other.Sessions[i].Property, other.Aliases[i].Property = 2, 2, 2
		other.Sessions[i].Source, other.Sessions[i].Revision = "other", 9
		other.Aliases[i].Session, other.Aliases[i].Revision = other.Sessions[0].Session, 9
	}
	b.Events, b.Sessions, b.Aliases = append(b.Events, other.Events...), append(b.Sessions, other.Sessions...), append(b.Aliases, other.Aliases...)
	w.append(b)
	sn := w.snapshot()
	defer sn.Release()
	p := countEvents()
	p.Dimensions = []store.Dimension{{Column: store.ColSource}}
	if got, want := mustRun(t, sn, p), "s0 : 4\ns1 : 3\ns2 : 3\n"; got != want {
		t.Errorf("property 1: got %q, want %q", got, want)
	}
	p.Property = 2
	if got, want := mustRun(t, sn, p), "other : 10\n"; got != want {
		t.Errorf("property 2: got %q, want %q", got, want)
	}
	p.Property = 1 << 63
	if got := mustRun(t, sn, p); got != "" {
		t.Errorf("a property without rows: got %q", got)
	}
}

// testLogsAreToldApart: a log that replaces another begins with batch 1 again.
func testLogsAreToldApart(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	w.append(visits(0, 10))
	later := w.ofLog("suite-2", nil)
	id := store.BatchID{Log: "suite-2", Partition: 3, Seq: 1}
	w.insert(later, id, visits(100, 5))
	w.once(later, 10, 0)
	if got, err := later.Progress(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("progress of the new log: got %v, %v", got, err)
	}
	w.publish(later, id)
	w.once(w.store, 15, 0)
	if got, err := w.store.Progress(t.Context()); err != nil || len(got) != 1 || got[0] != progressAt(store.BatchID{Partition: 3, Seq: 1}) {
		t.Errorf("progress of the old log: got %v, %v", got, err)
	}
}

func testSharedOutcomes(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	first := ledger.Outcomes{Stored: 1, Duplicate: 2, TooLate: 3, Expired: 4, Erased: 5, Synthetic: 6, Unmerged: 7, Overflow: 8,
		Clamped: 9, Late: 10, Contradicted: 11, Lateness: ledger.Lateness{1, 0, 3, 0, 5, 0, 7, 0, 9}}
	var want ledger.Outcomes
	for seq := uint64(1); seq <= 3; seq++ {
		for p := range event.Partition(2) {
			id := store.BatchID{Log: sharedLog, Partition: p, Seq: seq}
			o := map[event.PropertyID]ledger.Outcomes{1: first, 2: {Stored: 1}}
			if err := w.store.Insert(t.Context(), id, &store.SharedBatch{Outcomes: o}); err != nil {
				t.Fatal(err)
			}
			if seq < 3 {
				w.publish(w.store, id)
				want.Add(&first)
			}
		}
	}
	for id, want := range map[event.PropertyID]ledger.Outcomes{1: want, 2: {Stored: 4}, 3: {}} {
		got, err := w.another(nil).Outcomes(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("property %d (-want +got):\n%s", id, diff)
		}
	}
}

func testSharedClientsOf(t *testing.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	const user = `u'\1`
	w.append(&store.Batch{
		Events: []store.EventRow{{Property: 1, Row: 1, Client: 1, UserID: user}, {Property: 2, Row: 2, Client: 2, UserID: user}},
		Sessions: []store.SessionRow{{Property: 1, Session: 1, Client: 1, ClientID: "b"}, {Property: 1, Session: 2, Client: 2, ClientID: "c"},
			{Property: 1, Session: 3, Client: 3, ClientID: "a'", UserID: user}, {Property: 1, Session: 4, Client: 4, ClientID: "d", UserID: "u"},
			{Property: 1, Session: 5, Client: 3, UserID: user}},
	})
	id := w.batchID(3)
	w.insert(w.store, id, &store.Batch{Sessions: []store.SessionRow{{Property: 1, Session: 9, Client: 9, ClientID: "hidden", UserID: user}}})
	sn := w.snapshot()
	defer sn.Release()
	for user, want := range map[string][]string{user: {"a'", "b"}, "u": {"d"}, "none": nil} {
		got, err := sn.ClientsOf(t.Context(), 1, user)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", user, diff)
		}
	}
}

// testAnySharedHistory plays a drawn history, split into partitions by client, and compares with a
// reference that only keeps rows.
func testAnySharedHistory(t *testing.T, kit SharedKit) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > histories && !t.Failed() {
			return
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) { playSharedHistory(t, rt, kit) })
		if t.Failed() {
			rt.Fatalf("history %d", n)
		}
	})
}

func playSharedHistory(t *testing.T, rt *rapid.T, kit SharedKit) {
	w := newSharedWorld(t, kit)
	all := tableRows{}
	h := &history{t: rt, row: 1000, day: firstDay}
	for range rapid.IntRange(2, 8).Draw(rt, "steps") {
		if rapid.IntRange(0, 3).Draw(rt, "step") == 0 {
			h.day += dayMicros
			h.open = nil
			continue
		}
		b := h.batch()
		for p, part := range byClient(b) {
			w.appendTo(p, part)
		}
		all.events = append(all.events, b.Events...)
		all.sessions = append(all.sessions, b.Sessions...)
		all.aliases = append(all.aliases, b.Aliases...)
	}
	sn := w.snapshot()
	defer sn.Release()
	for range 10 {
		p := drawPlan(rt, h.day)
		rows, err := sn.Run(context.Background(), p)
		want, wantErr := evaluate(p, resolve([]part{{rows: all}}, store.Manifest{}, p.Property))
		comparePlan(t, p, rows, err, want, wantErr)
	}
}

// byClient splits a batch into two partitions, as a log does. An alias lies with the session that
// it names.
func byClient(b *store.Batch) map[event.Partition]*store.Batch {
	out := map[event.Partition]*store.Batch{}
	of := func(client event.RowID) *store.Batch {
		p := event.Partition(client % 2)
		if out[p] == nil {
			out[p] = &store.Batch{}
		}
		return out[p]
	}
	clients := map[event.RowID]event.RowID{}
	for _, s := range b.Sessions {
		clients[s.Session] = s.Client
		to := of(s.Client)
		to.Sessions = append(to.Sessions, s)
	}
	for _, e := range b.Events {
		to := of(e.Client)
		to.Events = append(to.Events, e)
	}
	for _, a := range b.Aliases {
		to := of(clients[a.Session])
		to.Aliases = append(to.Aliases, a)
	}
	return out
}
