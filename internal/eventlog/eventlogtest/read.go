// Promises about reading and waiting.
package eventlogtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func payloadsBelongToTheReader(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "aaa", "bbb", "ccc"))
	got := ReadAll(t, l, 0, 100)
	for i := range got[1].Payload {
		got[1].Payload[i] = '!'
	}
	_ = append(got[0].Payload, "overwrites its neighbour"...)
	wantEqual(t, "neighbour", string(got[2].Payload), "ccc")
	wantEqual(t, "second reading", texts(t, l, 0), []string{"aaa", "bbb", "ccc"})
}

func readReturnsAtLeastOne(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "a long record", "another"))
	for _, maxBytes := range []int{-1, 0, 1, 12} {
		got, err := l.Read(t.Context(), 0, 0, maxBytes, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, fmt.Sprint("records with maxBytes ", maxBytes), len(got), 1)
	}
}

func readStopsAtMaxBytes(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "aaaa", "bbbb"))
	mustAppend(t, l, batch(0, "cccc", "dddd"))
	for maxBytes, want := range map[int]int{4: 1, 7: 1, 8: 2, 11: 2, 12: 3, 15: 3, 16: 4, 1000: 4} {
		got, err := l.Read(t.Context(), 0, 0, maxBytes, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, fmt.Sprint("records with maxBytes ", maxBytes), len(got), want)
	}
	got, err := l.Read(t.Context(), 0, 1, 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "first offset", got[0].Offset, event.Offset(1))
	wantEqual(t, "records from the middle", len(got), 2)
}

func readAtAndBeyondTheEndReturnsNothing(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "x"))
	dst := []eventlog.Entry{{Offset: 99}}
	for _, from := range []event.Offset{1, 2, 1 << 40} {
		got, err := l.Read(t.Context(), 0, from, 100, dst)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, fmt.Sprint("read at ", from), got, dst)
	}
}

func readExtendsDst(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "x", "y"))
	got, err := l.Read(t.Context(), 0, 0, 100, []eventlog.Entry{{Offset: 99}})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "entries", got, []eventlog.Entry{
		{Offset: 99}, {Offset: 0, Payload: []byte("x")}, {Offset: 1, Payload: []byte("y")},
	})
}

func readingRemovesNothing(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "x", "y", "z"))
	first := texts(t, l, 0)
	wantEqual(t, "second reading", texts(t, l, 0), first)
	wantEqual(t, "start", l.Start(0), event.Offset(0))
}

// concurrentReadersSeePrefixes lets readers run along while appenders write:
// each sees the records in order, without gap, and never one at or beyond an
// end it asked for before.
func concurrentReadersSeePrefixes(t *testing.T, s Subject) {
	l := openLog(t, s)
	const total = 300
	ctx := withDeadline(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := follow(ctx, l, total); err != nil {
				t.Errorf("follow: %v", err)
			}
		})
	}
	for i := 0; i < total; i += 2 {
		mustAppend(t, l, batch(0, fmt.Sprint(i), fmt.Sprint(i+1)))
	}
	wg.Wait()
}

// follow reads partition 0 until it has total records, waiting for more.
func follow(ctx context.Context, l eventlog.Log, total int) error {
	ends := make([]event.Offset, Partitions)
	for int(ends[0]) < total {
		if err := l.Wait(ctx, ends); err != nil {
			return err
		}
		end := l.End(0)
		got, err := l.Read(ctx, 0, ends[0], 20, nil)
		if err != nil {
			return err
		}
		if len(got) == 0 {
			return fmt.Errorf("woken at %d with end %d, but nothing to read", ends[0], end)
		}
		for _, e := range got {
			if e.Offset != ends[0] || string(e.Payload) != fmt.Sprint(e.Offset) {
				return fmt.Errorf("record %q at %d where %d is next", e.Payload, e.Offset, ends[0])
			}
			ends[0]++
		}
	}
	return nil
}

func waitReturnsAtOnceIfThereIsMore(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(3, "x"))
	if err := l.Wait(withDeadline(t), make([]event.Offset, Partitions)); err != nil {
		t.Fatalf("wait: %v", err)
	}
}

// waitWakesOnAppend has several goroutines wait for several partitions; every
// append wakes those it concerns, also if it comes before they wait.
func waitWakesOnAppend(t *testing.T, s Subject) {
	l := openLog(t, s)
	ctx := withDeadline(t)
	for round := range 20 {
		ends := make([]event.Offset, Partitions)
		for p := range ends {
			ends[p] = l.End(event.Partition(p))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := l.Wait(ctx, ends); err != nil {
					t.Errorf("wait: %v", err)
				}
			})
		}
		mustAppend(t, l, batch(event.Partition(round%Partitions), "x"))
		wg.Wait()
	}
}

func waitEndsWithItsContext(t *testing.T, s Subject) {
	l := openLog(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- l.Wait(ctx, make([]event.Offset, Partitions)) }()
	cancel()
	select {
	case err := <-result:
		wantError(t, "wait", err, context.Canceled)
	case <-withDeadline(t).Done():
		t.Fatal("wait goes on after its context ended")
	}
}

func waitEndsWhenTheLogCloses(t *testing.T, s Subject) {
	l := openLog(t, s)
	result := make(chan error, 1)
	go func() { result <- l.Wait(context.Background(), make([]event.Offset, Partitions)) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-result:
		wantError(t, "wait", err, eventlog.ErrClosed)
	case <-withDeadline(t).Done():
		t.Fatal("wait goes on after the log closed")
	}
}
