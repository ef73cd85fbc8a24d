// A log whose offsets go on where another one ended.
package kafkalog

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
)

func bases(n int) []event.Offset {
	out := make([]event.Offset, n)
	for p := range out {
		out[p] = event.Offset(1000 + 7*p)
	}
	return out
}

func beginAt(t *testing.T, cfg Config, base []event.Offset, received ...eventlog.Count) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return BeginAt(ctx, cfg, Deps{}, base, received)
}

func TestALogThatBeginsAtABaseGivesItsOffsets(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	plain := mustOpen(t, testConfig(cfg.Brokers, freshTopic(t)), Deps{}, plantNothing)
	base := bases(cfg.Partitions)
	for range 2 { // the second changes nothing
		if err := beginAt(t, cfg, base); err != nil {
			t.Fatal(err)
		}
	}
	cfg.TailBytes = 1 // all but the last record is fetched
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	if l.Identity() == plain.Identity() || l.identityOfBase() == "" || plain.identityOfBase() != "" {
		t.Errorf("identities %q and %q do not tell of the base", l.Identity(), plain.Identity())
	}
	p := event.Partition(2)
	appendTo(t, l, p, "a", "b", "c")
	check := func(l *Log, from event.Offset, want ...eventlog.Entry) {
		t.Helper()
		ends := make([]event.Offset, cfg.Partitions)
		for i := range ends {
			ends[i] = math.MaxUint64
		}
		ends[p] = base[p] + 2
		if err := l.Wait(t.Context(), ends); err != nil {
			t.Fatal(err)
		}
		got, err := l.Read(t.Context(), p, from, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("read from %d (-want +got):\n%s", from, diff)
		}
	}
	all := []eventlog.Entry{{Offset: base[p], Payload: []byte("a")}, {Offset: base[p] + 1, Payload: []byte("b")}, {Offset: base[p] + 2, Payload: []byte("c")}}
	check(l, base[p], all...)
	check(l, base[p]+1, all[1:]...)
	if l.Start(p) != base[p] || l.End(p) != base[p]+3 || l.End(0) != base[0] {
		t.Errorf("partition %d is [%d, %d), partition 0 ends at %d", p, l.Start(p), l.End(p), l.End(0))
	}
	if _, err := l.Read(t.Context(), p, base[p]-1, 1, nil); !errors.Is(err, eventlog.ErrTruncated) {
		t.Errorf("read below the base: %v", err)
	}
	if err := l.Truncate(t.Context(), p, base[p]+1); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Sums were saved, and records are gone: all of it is found again.
	l = mustOpen(t, cfg, Deps{}, plantNothing)
	check(l, base[p]+1, all[1:]...)
	if l.Start(p) != base[p]+1 {
		t.Errorf("after truncation the partition starts at %d", l.Start(p))
	}
	counts, err := l.CountsOf(t.Context(), 1)
	if err != nil || counts[""] != 3 {
		t.Errorf("counts %v, %v; want 3 accepted", counts, err)
	}
}

func appendTo(t *testing.T, l *Log, p event.Partition, payloads ...string) {
	t.Helper()
	b := &eventlog.Batch{}
	for i, text := range payloads {
		b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: []byte(text)})
		b.Counts = append(b.Counts, eventlog.Count{Property: 1, Day: 20_000, N: 1, Record: i + 1})
	}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestABaseIsChosenOnceAndBeforeAnythingIsThere(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	appendTo(t, l, 0, "a")
	if err := beginAt(t, cfg, bases(cfg.Partitions)); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("base of a topic with records: %v", err)
	}
	cfg.Topic = freshTopic(t)
	if err := beginAt(t, cfg, bases(cfg.Partitions)); err != nil {
		t.Fatal(err)
	}
	if err := beginAt(t, cfg, make([]event.Offset, cfg.Partitions)); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("another base: %v", err)
	}
	if err := beginAt(t, cfg, nil); err == nil {
		t.Error("no bases at all are an error")
	}
}

// What was received before the base is known to whoever opens the log, once, however often it is said and wherever
// processes that save sums died.
func TestWhatWasReceivedBeforeTheBaseIsCountedOnce(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	received := []eventlog.Count{{Property: 1, Day: 20_000, N: 7}, {Property: 1, Day: 20_000, N: 2, Reason: "too_large"}, {Property: 2, Day: 20_000, N: 9}}
	want := map[string]int64{"1/20000/": 7, "1/20000/too_large": 2, "2/20000/": 9}
	say := func() {
		t.Helper()
		if err := beginAt(t, cfg, bases(cfg.Partitions), received...); err != nil {
			t.Fatal(err)
		}
	}
	say()
	for round := range 4 {
		l := mustOpen(t, cfg, Deps{}, plantNothing)
		if got := eventlogtest.Sums(t, l); !cmp.Equal(got, want) {
			t.Fatalf("round %d: counts are %v, want %v", round, got, want)
		}
		if err := l.Append(t.Context(), &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, Day: 20_000, N: 1}}}); err != nil {
			t.Fatal(err)
		}
		want["1/20000/"]++
		switch round {
		case 0:
			l.abort() // as if killed
		case 1: // all was saved; said once more by somebody who thought that nothing was there
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = mustOpen(t, cfg, Deps{}, plantNothing)
			if err := l.produce(t.Context(), l.sumRecord(baseKey(), baseValue(bases(cfg.Partitions), received))); err != nil {
				t.Fatal(err)
			}
			l.abort()
		default:
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		say()
	}
}

// The log of a base keeps the contract; only where offsets begin differs.
func TestBaseDoesNotChangeTheBytesOfRecords(t *testing.T) {
	if got := baseValue([]event.Offset{1, 0x0102}, []eventlog.Count{{Property: 3, Day: 2, N: 5, Reason: "x"}}); !cmp.Equal(got,
		[]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 10, 1, 'x'}) {
		t.Errorf("value of bases %v is not as docs/format/kafka.md has it", got)
	}
	if n := len(baseKey()); n <= markKeyLen || n >= sumKeyMinLen {
		t.Errorf("a program that knows no bases would take a key of %d bytes for something else", n)
	}
}
