// Rule S1: the clock of a partition moves while nothing happens in it.
package collect

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

func TestS1QuietPartitionsGetATickAndBusyOnesDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New(memlog.Config{Partitions: 2})
		ticker := startTicker(5*time.Second, log, time.Now, slog.New(slog.DiscardHandler))
		defer ticker.stop()
		begin := time.Now()
		for range 21 { // Partition 1 gets a record a second, partition 0 none.
			err := log.Append(context.Background(), &eventlog.Batch{Records: []eventlog.Record{{Partition: 1, Payload: []byte{}}}})
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		if got := log.End(1); got != 21 {
			t.Errorf("the busy partition has %d records, want its own 21", got)
		}
		entries, err := log.Read(context.Background(), 0, 0, 1<<20, nil)
		if err != nil || len(entries) < 3 || len(entries) > 4 {
			t.Fatalf("the quiet partition has %d records in 21 s, want 3 or 4 (%v)", len(entries), err)
		}
		r := new(event.Record)
		if err := r.UnmarshalVT(entries[0].Payload); err != nil {
			t.Fatal(err)
		}
		at := event.Time(r.GetTick().GetIngestTime()).Std()
		if passed := at.Sub(begin); passed < 5*time.Second || passed > 7*time.Second {
			t.Errorf("the first tick came after %v, want 5 s", passed)
		}
	})
}

// TestS1ClocksMoveWhileTheLogIsFull: without ticks nothing would ever be
// truncated, and the log would stay full.
func TestS1ClocksMoveWhileTheLogIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New(memlog.Config{Partitions: 2, MaxBytes: 1})
		ticker := startTicker(time.Second, log, time.Now, slog.New(slog.DiscardHandler))
		pass(3 * time.Second)
		ticker.stop()
		if log.End(0) < 2 || log.End(1) < 2 {
			t.Errorf("a full log has %d and %d ticks after 3 s, want 2 or more", log.End(0), log.End(1))
		}
	})
}

func TestATickThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &failingLog{Log: memlog.New(memlog.Config{Partitions: 1}), err: eventlog.ErrFull}
		ticker := startTicker(time.Second, log, time.Now, slog.New(slog.DiscardHandler))
		pass(3 * time.Second)
		ticker.stop()
		if len(log.batches) < 2 {
			t.Errorf("tried %d times, want again and again", len(log.batches))
		}
	})
}
