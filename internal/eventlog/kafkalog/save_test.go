// Saving sums in pieces, and readers that are behind.
package kafkalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
)

// counted appends one record that is counted for two properties.
func counted(t *testing.T, l *Log) {
	t.Helper()
	b := &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte("x")}},
		Counts:  []eventlog.Count{{Property: 1, N: 1}, {Property: 2, N: 10}, {Property: 1, N: 100}},
	}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// TestCrashWhileSavingCountsNothingTwice: some sums are saved and the mark is
// not, or the mark is older than some sums.
func TestCrashWhileSavingCountsNothingTwice(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	for round := 1; round <= 4; round++ {
		l := mustOpen(t, cfg, Deps{}, plantNothing)
		counted(t, l)
		if round == 2 {
			if err := l.save(t.Context(), l.slots[0]); err != nil {
				t.Fatal(err)
			}
		}
		counted(t, l)
		// One of two sums is saved, then the process dies.
		key := countKey{property: 1}
		n := l.sums.bySlot[0][key].n
		r := l.sumRecord(sumKey(0, key), sumValue(n, l.End(0)))
		if err := l.produce(t.Context(), []*kgo.Record{r}...); err != nil {
			t.Fatal(err)
		}
		l.abort()
		want := map[string]int64{"1/0/": int64(round) * 202, "2/0/": int64(round) * 20}
		again := mustOpen(t, cfg, Deps{}, plantNothing)
		if got := eventlogtest.Sums(t, again); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
		again.abort()
	}
}

// TestOnlyTheOwnerSavesSumsK6: a process that only looks leaves the topic of sums alone, and one that opens
// afterwards counts what was saved and the rest.
func TestOnlyTheOwnerSavesSumsK6(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	marks := func() (saved [2]event.Offset) {
		l := mustOpen(t, cfg, Deps{Saves: func(event.Partition) bool { return false }}, plantNothing)
		defer l.abort()
		for i := range saved {
			l.slots[i].mu.Lock()
			saved[i] = l.slots[i].saved
			l.slots[i].mu.Unlock()
		}
		return saved
	}
	for _, owner := range []struct {
		saves func(event.Partition) bool
		want  [2]event.Offset
	}{
		{func(event.Partition) bool { return false }, [2]event.Offset{0, 0}},
		{func(p event.Partition) bool { return p == 1 }, [2]event.Offset{0, 2}},
		{nil, [2]event.Offset{3, 3}},
	} {
		l := mustOpen(t, cfg, Deps{Saves: owner.saves}, plantNothing)
		b := &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("x")}, {Partition: 1, Payload: []byte("y")}},
			Counts: []eventlog.Count{{Property: 1, N: 1}, {Property: 1, N: 1, Partition: 1}}}
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := marks(); got != owner.want {
			t.Errorf("saved through %v, want %v", got, owner.want)
		}
	}
	again := mustOpen(t, cfg, Deps{}, plantNothing)
	defer again.abort()
	if got, want := fmt.Sprint(eventlogtest.Sums(t, again)), fmt.Sprint(map[string]int64{"1/0/": 6}); got != want {
		t.Errorf("sums %s, want %s", got, want)
	}
}

// TestReaderThatIsBehindFetchesALotAtOnce: small steps of a reader that the tail
// does not serve are not requests each.
func TestReaderThatIsBehindFetchesALotAtOnce(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	cfg.TailBytes = 0
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	const records = 3000
	b := &eventlog.Batch{}
	for i := range records {
		b.Records = append(b.Records, eventlog.Record{Payload: fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 500))})
	}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	entries := eventlogtest.ReadAll(t, l, 0, 1000)
	if len(entries) != records {
		t.Fatalf("%d records came back", len(entries))
	}
	if fetches := testutil.ToFloat64(l.telemetry.fetches); fetches > 20 {
		t.Errorf("%v fetches for %d records in steps of one", fetches, records)
	}
	// Back to the beginning: the reader seeks.
	if again := eventlogtest.ReadAll(t, l, 0, 1<<20); len(again) != records {
		t.Errorf("%d records came back again", len(again))
	}
}
