// Promises about appending: order, atomicity, offsets, ownership.
package eventlogtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func isError(got, want error) bool { return errors.Is(got, want) }

func emptyLogIsAtOffsetZero(t *testing.T, s Subject) {
	l := openLog(t, s)
	wantEqual(t, "partitions", l.Partitions(), Partitions)
	for p := range event.Partition(Partitions) {
		wantEqual(t, "start", l.Start(p), event.Offset(0))
		wantEqual(t, "end", l.End(p), event.Offset(0))
		wantEqual(t, "records", len(ReadAll(t, l, p, 100)), 0)
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{})
	mustAppend(t, l, &eventlog.Batch{})
	wantEqual(t, "end after an empty batch", l.End(0), event.Offset(0))
}

func offsetsStartAtZeroWithoutGaps(t *testing.T, s Subject) {
	l := openLog(t, s)
	for i := range 10 {
		mustAppend(t, l, batch(1, fmt.Sprint(2*i), fmt.Sprint(2*i+1)))
		wantEqual(t, "end", l.End(1), event.Offset(2*i+2))
	}
	for i, e := range ReadAll(t, l, 1, 3) {
		wantEqual(t, "offset", e.Offset, event.Offset(i))
		wantEqual(t, "payload", string(e.Payload), fmt.Sprint(i))
	}
	wantEqual(t, "end of another partition", l.End(0), event.Offset(0))
}

func orderedWithinPartition(t *testing.T, s Subject) {
	l := openLog(t, s)
	b := &eventlog.Batch{}
	want := make([][]string, Partitions)
	for i := range 40 {
		p := (i * i) % Partitions
		text := fmt.Sprint("r", i)
		b.Records = append(b.Records,
			eventlog.Record{Partition: event.Partition(p), Payload: []byte(text)})
		want[p] = append(want[p], text)
	}
	mustAppend(t, l, b)
	for p := range Partitions {
		wantEqual(t, fmt.Sprint("partition ", p), texts(t, l, event.Partition(p)), want[p])
	}
}

// refusedBatchLeavesNothing appends batches that touch all partitions and some
// that are bad at their last record: nothing of a refused batch may be there (L2).
func refusedBatchLeavesNothing(t *testing.T, s Subject) {
	l := openLog(t, s)
	whole := func(name string) *eventlog.Batch {
		b := &eventlog.Batch{Counts: []eventlog.Count{{Property: 7, Day: 1, N: 1}}}
		for p := range event.Partition(Partitions) {
			b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: []byte(name)})
		}
		return b
	}
	mustAppend(t, l, whole("first"))
	bad := whole("bad")
	bad.Records = append(bad.Records, eventlog.Record{Partition: Partitions, Payload: []byte("nowhere")})
	if err := l.Append(t.Context(), bad); err == nil {
		t.Fatal("append to a partition that does not exist: no error")
	}
	mustAppend(t, l, whole("second"))
	for p := range event.Partition(Partitions) {
		wantEqual(t, "records", texts(t, l, p), []string{"first", "second"})
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"7/1/": 2})
}

func appendKeepsNoBuffers(t *testing.T, s Subject) {
	l := openLog(t, s)
	payload := []byte("before")
	b := &eventlog.Batch{Records: []eventlog.Record{{Partition: 2, Payload: payload}}}
	mustAppend(t, l, b)
	copy(payload, "AFTER!")
	b.Records[0] = eventlog.Record{Partition: 3, Payload: []byte("other")}
	wantEqual(t, "records", texts(t, l, 2), []string{"before"})
	wantEqual(t, "records elsewhere", len(texts(t, l, 3)), 0)
}

// concurrentAppendersShareNoOffset checks L2, L3 and L5 under concurrency: each
// appender's batches are whole, adjacent, and in the order it sent them.
func concurrentAppendersShareNoOffset(t *testing.T, s Subject) {
	l := openLog(t, s)
	const appenders, rounds, width = 16, 20, 3
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for r := range rounds {
				b := &eventlog.Batch{}
				for p := range event.Partition(2) {
					for i := range width {
						b.Records = append(b.Records, eventlog.Record{
							Partition: p, Payload: fmt.Appendf(nil, "%d %d %d", a, r, i),
						})
					}
				}
				if err := l.Append(context.Background(), b); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for p := range event.Partition(2) {
		got := texts(t, l, p)
		wantEqual(t, "records", len(got), appenders*rounds*width)
		next := make([]int, appenders)
		for i := 0; i < len(got); i += width {
			var a, r int
			if _, err := fmt.Sscanf(got[i], "%d %d", &a, &r); err != nil {
				t.Fatal(err)
			}
			for j := range width {
				wantEqual(t, "adjacent record", got[i+j], fmt.Sprintf("%d %d %d", a, r, j))
			}
			wantEqual(t, fmt.Sprint("round of appender ", a), r, next[a])
			next[a]++
		}
	}
}

func payloadsOfEverySizeComeBack(t *testing.T, s Subject) {
	l := openLog(t, s)
	sizes := []int{0, 1, 2, 127, 128, 4095, 4096, 32768, 70000, 300000, 0, 1 << 20, 5}
	b := &eventlog.Batch{}
	for i, size := range sizes {
		b.Records = append(b.Records, eventlog.Record{
			Payload: []byte(strings.Repeat(string(rune('a'+i)), size)),
		})
	}
	mustAppend(t, l, b)
	for _, r := range b.Records {
		mustAppend(t, l, &eventlog.Batch{Records: []eventlog.Record{r}})
	}
	got := ReadAll(t, l, 0, 50000)
	wantEqual(t, "records", len(got), 2*len(sizes))
	for i, e := range got {
		if string(e.Payload) != string(b.Records[i%len(sizes)].Payload) {
			t.Fatalf("payload %d of %d bytes came back otherwise", i, len(e.Payload))
		}
	}
}

func cancelledContextAppendsNothing(t *testing.T, s Subject) {
	l := openLog(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "append", l.Append(ctx, batch(0, "never")), context.Canceled)
	mustAppend(t, l, batch(0, "next"))
	wantEqual(t, "records", texts(t, l, 0), []string{"next"})
}

func unknownPartitionIsAnError(t *testing.T, s Subject) {
	l := openLog(t, s)
	wantError(t, "append", l.Append(t.Context(), batch(Partitions, "x")), eventlog.ErrInvalid)
	if _, err := l.Read(t.Context(), Partitions, 0, 1, nil); err == nil {
		t.Error("read: no error")
	}
	if err := l.Truncate(t.Context(), Partitions, 0); err == nil {
		t.Error("truncate: no error")
	}
	if err := l.Wait(t.Context(), make([]event.Offset, Partitions-1)); err == nil {
		t.Error("wait with too few ends: no error")
	}
}

func closedLogSaysSo(t *testing.T, s Subject) {
	l := openLog(t, s)
	mustAppend(t, l, batch(0, "x"))
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("close again: %v", err)
	}
	ctx := t.Context()
	wantError(t, "append", l.Append(ctx, batch(0, "y")), eventlog.ErrClosed)
	_, err := l.Read(ctx, 0, 0, 1, nil)
	wantError(t, "read", err, eventlog.ErrClosed)
	_, err = l.Counts(ctx)
	wantError(t, "counts", err, eventlog.ErrClosed)
	_, err = l.CountsOf(ctx, 1)
	wantError(t, "counts of a property", err, eventlog.ErrClosed)
	wantError(t, "truncate", l.Truncate(ctx, 0, 1), eventlog.ErrClosed)
	wantError(t, "wait", l.Wait(ctx, make([]event.Offset, Partitions)), eventlog.ErrClosed)
}
