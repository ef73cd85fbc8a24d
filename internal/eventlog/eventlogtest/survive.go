// Promises of logs that survive: what was acknowledged is there after a crash.
package eventlogtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// durableBeforeAck crashes the log again and again while appenders run; all
// they were told is durable must be there, with its count, and nothing that
// nobody sent (L1, L2, L6).
func durableBeforeAck(t *testing.T, s Subject) {
	const rounds, appenders = 4, 8
	acked := make([]atomic.Int64, appenders)
	sent := make([]atomic.Int64, appenders)
	for round := range rounds {
		l := s.Open(t)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		enough := make(chan struct{}, appenders)
		for a := range appenders {
			wg.Go(func() { appendUntil(ctx, l, a, &sent[a], &acked[a], enough) })
		}
		for range appenders {
			<-enough
		}
		// Those who are acknowledged now must survive; the others may.
		floor := make([]int64, appenders)
		for a := range floor {
			floor[a] = acked[a].Load()
		}
		s.Crash(t)
		cancel()
		wg.Wait()
		checkSurvivors(t, s, floor, sent)
		// What was sent but did not survive is sent again under a new number.
		for a := range appenders {
			sent[a].Add(int64(round) * 1000)
		}
	}
}

// appendUntil sends numbered records of appender a until ctx ends. It reports
// once that some were acknowledged.
func appendUntil(
	ctx context.Context, l eventlog.Log, a int, sent, acked *atomic.Int64, enough chan<- struct{},
) {
	for i := 0; ctx.Err() == nil; i++ {
		n := sent.Add(1)
		b := &eventlog.Batch{}
		for p := range event.Partition(Partitions) {
			b.Counts = append(b.Counts, eventlog.Count{Property: event.PropertyID(a), Partition: p, N: 1})
			b.Records = append(b.Records, eventlog.Record{
				Partition: p, Payload: fmt.Appendf(nil, "%d %d", a, n),
			})
		}
		if l.Append(ctx, b) == nil {
			acked.Store(n)
		}
		if i == 5 {
			enough <- struct{}{}
		}
	}
}

// checkSurvivors opens what survived and compares all partitions and counts.
// Where one batch is all or nothing, all partitions hold the same.
func checkSurvivors(t *testing.T, s Subject, floor []int64, sent []atomic.Int64) {
	t.Helper()
	l := s.Open(t)
	defer func() { _ = l.Close() }()
	first := texts(t, l, 0)
	records := make(map[string]int64)
	for p := range event.Partition(Partitions) {
		got := texts(t, l, p)
		if s.Unit == WholeBatch {
			wantEqual(t, fmt.Sprint("partition ", p), got, first)
		}
		checkNumbers(t, got, floor, sent, records)
	}
	wantEqual(t, "counts", Sums(t, l), records)
	for a := range floor {
		got := sumsOf(t, l, event.PropertyID(a))[""]
		wantEqual(t, fmt.Sprint("counts of property ", a), got, records[fmt.Sprintf("%d/0/", a)])
	}
}

// checkNumbers holds one partition against what was sent and acknowledged, and
// adds its records to those of each appender.
func checkNumbers(t *testing.T, got []string, floor []int64, sent []atomic.Int64, records map[string]int64) {
	t.Helper()
	last := make([]int64, len(floor))
	for _, text := range got {
		var a int
		var n int64
		if _, err := fmt.Sscanf(text, "%d %d", &a, &n); err != nil {
			t.Fatal(err)
		}
		if n <= last[a] || n > sent[a].Load() {
			t.Fatalf("record %q after number %d of %d sent", text, last[a], sent[a].Load())
		}
		last[a] = n
		records[fmt.Sprintf("%d/0/", a)]++
	}
	for a := range floor {
		if last[a] < floor[a] {
			t.Fatalf("appender %d: %d was acknowledged, %d survived", a, floor[a], last[a])
		}
	}
}

// readStopsAtDurableEnd reads along while appenders run, then crashes: what was
// ever read must have survived (L4).
func readStopsAtDurableEnd(t *testing.T, s Subject) {
	l := s.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for a := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_ = l.Append(ctx, batch(0, fmt.Sprint(a, " ", i)))
			}
		})
	}
	var seen []eventlog.Entry
	for len(seen) < 200 {
		got, err := l.Read(t.Context(), 0, event.Offset(len(seen)), 1<<20, seen)
		if err != nil {
			t.Fatal(err)
		}
		seen = got
	}
	s.Crash(t)
	cancel()
	wg.Wait()
	l = openLog(t, s)
	got := ReadAll(t, l, 0, 1<<20)
	if len(got) < len(seen) {
		t.Fatalf("%d records were read, %d survived", len(seen), len(got))
	}
	wantEqual(t, "survivors", got[:len(seen)], seen)
}

func everythingSurvivesReopen(t *testing.T, s Subject) {
	var want []string
	for round := range 3 {
		l := s.Open(t)
		wantEqual(t, "records", texts(t, l, 1), want)
		b := batch(1, fmt.Sprint("round ", round), "x")
		b.Counts = []eventlog.Count{{Property: 5, N: 2}}
		mustAppend(t, l, b)
		want = append(want, fmt.Sprint("round ", round), "x")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := openLog(t, s)
	wantEqual(t, "records", texts(t, l, 1), want)
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"5/0/": 6})
	wantEqual(t, "counts of property 5", sumsOf(t, l, 5), map[event.RefuseReason]int64{"": 6})
}

func truncateSurvivesReopen(t *testing.T, s Subject) {
	l := s.Open(t)
	appendNumbers(t, l, 0, 20)
	appendNumbers(t, l, 1, 20)
	for p, before := range map[event.Partition]event.Offset{0: 7, 1: 20} {
		if err := l.Truncate(t.Context(), p, before); err != nil {
			t.Fatal(err)
		}
	}
	s.Crash(t)
	l = s.Open(t)
	wantEqual(t, "start", l.Start(0), event.Offset(7))
	wantEqual(t, "records", len(ReadAll(t, l, 0, 100)), 13)
	wantEqual(t, "start of the emptied partition", l.Start(1), event.Offset(20))
	wantEqual(t, "end of the emptied partition", l.End(1), event.Offset(20))
	mustAppend(t, l, batch(1, "next"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, s)
	wantEqual(t, "records", ReadAll(t, l, 1, 100), []eventlog.Entry{{Offset: 20, Payload: []byte("next")}})
}
