// Promises about the sums of one property.
package eventlogtest

import (
	"cmp"
	"context"
	"sync"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func countsOfAddUpOverDays(t *testing.T, s Subject) {
	l := openLog(t, s)
	wantEqual(t, "counts of an empty log", sumsOf(t, l, 1), map[event.RefuseReason]int64{})
	for day := range int32(3) {
		mustAppend(t, l, &eventlog.Batch{Counts: []eventlog.Count{
			{Property: 1, Day: day, N: 10},
			{Property: 1, Day: day, Reason: event.RefuseNoName, N: 2},
			{Property: 2, Day: day, N: 100},
			{Property: 1, Day: day, N: 1},
		}})
	}
	want := map[event.RefuseReason]int64{"": 33, event.RefuseNoName: 6}
	got := sumsOf(t, l, 1)
	wantEqual(t, "counts of property 1", got, want)
	got[""] = 0 // The map is the caller's.
	wantEqual(t, "counts of property 1 again", sumsOf(t, l, 1), want)
	wantEqual(t, "counts of property 2", sumsOf(t, l, 2), map[event.RefuseReason]int64{"": 300})
	wantEqual(t, "counts of property 3", sumsOf(t, l, 3), map[event.RefuseReason]int64{})
}

// countsOfHoldWhatCanBeRead reads along while appenders run: who has folded a
// record must find it counted, or more would be processed than was received.
func countsOfHoldWhatCanBeRead(t *testing.T, s Subject) {
	l := openLog(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				b := batch(0, "a", "b")
				b.Counts = []eventlog.Count{{Property: 1, Day: 7, N: 2}}
				_ = l.Append(ctx, b)
			}
		})
	}
	live := withDeadline(t)
	rounds := cmp.Or(s.Rounds, 7_500)
	for end := event.Offset(0); end < event.Offset(2*rounds); {
		end = l.End(0) // No waiting: the moment when the end moves matters.
		if got := sumsOf(t, l, 1)[""]; got < int64(end) {
			t.Fatalf("%d records can be read, %d were counted", end, got)
		}
		if err := live.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
