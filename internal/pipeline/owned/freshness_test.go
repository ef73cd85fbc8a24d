// What is claimed of rows that others put into the store.
package owned

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func TestFreshnessIsThatOfTheSlowestPartitionAndOfSpoolsS27D5(t *testing.T) {
	ctx := context.Background()
	log := memlog.New(memlog.Config{Partitions: 2})
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(before time.Duration) event.Time { return event.TimeOf(now.Add(-before)) }
	b := &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, N: 5}, {Property: 1, Reason: "bad", N: 2}}}
	for p := range event.Partition(2) {
		for range 3 {
			b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: []byte("x")})
		}
	}
	if err := log.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	s := newSharedStore(t, &faults{rng: rand.New(rand.NewPCG(1, 1))})
	held, holds := event.Time(0), false
	f := &Freshness{Log: log, Store: s, Clock: func() time.Time { return now }, Held: func() (event.Time, bool) { return held, holds }}
	show := func(p event.Partition, seq uint64, next event.Offset, clock event.Time, stored int64) {
		t.Helper()
		id := store.BatchID{Log: "log", Partition: p, Seq: seq}
		rows := &store.SharedBatch{Outcomes: map[event.PropertyID]ledger.Outcomes{1: {Stored: stored}}}
		if err := s.Insert(ctx, id, rows); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(ctx, store.Progress{Partition: p, Seq: seq, Next: next, Clock: clock, Claim: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, through event.Time, lag, pending int64) {
		t.Helper()
		got, err := f.Freshness(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got.ProcessedThrough != through || got.Lag != lag || got.Ledger.Pending != pending || !got.Ledger.Balanced() || got.Ledger.Received != 7 {
			t.Errorf("%s: through %v, lag %d, ledger %+v; want %v, %d, pending %d", what, got.ProcessedThrough, got.Lag, got.Ledger, through, lag, pending)
		}
		if through != 0 && got.CompleteThrough > through.Add(-10*time.Second) {
			t.Errorf("%s: complete through %v", what, got.CompleteThrough)
		}
	}
	check("one partition has nothing", 0, 6, 5)
	show(0, 1, 3, at(2*time.Second), 2)
	check("the other has nothing", 0, 3, 3)
	show(1, 1, 2, at(8*time.Second), 1)
	check("the slower one", at(8*time.Second), 1, 2)
	show(1, 2, 3, at(time.Second), 2)
	check("nothing is pending, and still not now", at(2*time.Second), 0, 0)
	held, holds = at(time.Minute), true
	check("a collector holds older events", at(time.Minute), 0, 0)
	holds = false
	check("no more", at(2*time.Second), 0, 0)
}
