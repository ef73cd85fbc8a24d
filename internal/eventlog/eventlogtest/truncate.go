// Promises about truncation and counts.
package eventlogtest

import (
	"fmt"
	"math"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func appendNumbers(t testing.TB, l eventlog.Log, p event.Partition, n int) {
	t.Helper()
	for i := 0; i < n; i += 5 {
		b := &eventlog.Batch{}
		for j := i; j < min(i+5, n); j++ {
			b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: []byte(fmt.Sprint(j))})
		}
		mustAppend(t, l, b)
	}
}

func truncateKeepsOffsets(t *testing.T, s Subject) {
	l := openLog(t, s)
	appendNumbers(t, l, 1, 20)
	appendNumbers(t, l, 2, 20)
	for _, before := range []event.Offset{5, 7, 8, 10, 19} {
		if err := l.Truncate(t.Context(), 1, before); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "start", l.Start(1), before)
		_, err := l.Read(t.Context(), 1, before-1, 100, nil)
		wantError(t, "read before the start", err, eventlog.ErrTruncated)
		got := ReadAll(t, l, 1, 3)
		wantEqual(t, "records", len(got), 20-int(before))
		wantEqual(t, "first", got[0], eventlog.Entry{Offset: before, Payload: []byte(fmt.Sprint(before))})
	}
	wantEqual(t, "start of another partition", l.Start(2), event.Offset(0))
	wantEqual(t, "records of another partition", len(ReadAll(t, l, 2, 100)), 20)
	mustAppend(t, l, batch(1, "next"))
	wantEqual(t, "end", l.End(1), event.Offset(21))
}

func truncateIsIdempotent(t *testing.T, s Subject) {
	l := openLog(t, s)
	appendNumbers(t, l, 0, 10)
	for _, before := range []event.Offset{6, 6, 3, 0} {
		if err := l.Truncate(t.Context(), 0, before); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "start", l.Start(0), event.Offset(6))
	}
	wantEqual(t, "records", len(ReadAll(t, l, 0, 100)), 4)
}

func truncateStopsAtTheEnd(t *testing.T, s Subject) {
	l := openLog(t, s)
	appendNumbers(t, l, 0, 10)
	if err := l.Truncate(t.Context(), 0, 1000); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "start", l.Start(0), event.Offset(10))
	wantEqual(t, "end", l.End(0), event.Offset(10))
	mustAppend(t, l, batch(0, "next"))
	wantEqual(t, "records", ReadAll(t, l, 0, 100), []eventlog.Entry{{Offset: 10, Payload: []byte("next")}})
}

func truncateLeavesCounts(t *testing.T, s Subject) {
	l := openLog(t, s)
	b := batch(0, "x")
	b.Counts = []eventlog.Count{{Property: 1, Day: 2, N: 3}}
	mustAppend(t, l, b)
	if err := l.Truncate(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"1/2/": 3})
}

func countsRideWithRecords(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte("x")}},
		Counts: []eventlog.Count{
			{Property: 1, Day: 20000, N: 1},
			{Property: 1, Day: 20000, Reason: event.RefuseNoName, N: 2},
		},
	})
	mustAppend(t, l, &eventlog.Batch{Counts: []eventlog.Count{
		{Reason: event.RefuseUnknownProperty, Day: 20001, N: 4},
	}})
	wantEqual(t, "counts", Sums(t, l), map[string]int64{
		"1/20000/": 1, "1/20000/no_event_name": 2, "0/20001/unknown_property": 4,
	})
}

func countsWithEqualKeysAddUp(t *testing.T, s Subject) {
	l := openLog(t, s)
	var want int64
	for i := range int64(50) {
		mustAppend(t, l, &eventlog.Batch{Counts: []eventlog.Count{
			{Property: math.MaxUint64, Day: math.MinInt32, N: i},
			{Property: math.MaxUint64, Day: math.MaxInt32, N: 1},
			{Property: math.MaxUint64, Day: math.MinInt32, N: 1},
			{Property: math.MaxUint64, Day: -1, Reason: "r", N: -i},
		}})
		want += i
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{
		fmt.Sprintf("%d/%d/", uint64(math.MaxUint64), math.MinInt32): want + 50,
		fmt.Sprintf("%d/%d/", uint64(math.MaxUint64), math.MaxInt32): 50,
		fmt.Sprintf("%d/-1/r", uint64(math.MaxUint64)):               -want,
	})
}
