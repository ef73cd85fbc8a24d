// Promises of logs that commit each partition by itself: they say what of a batch
// is durable, and the rest can be appended later.
package eventlogtest

import (
	"errors"
	"fmt"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// everywhere makes a batch with two records and a count for each partition.
func everywhere(name string) *eventlog.Batch {
	b := &eventlog.Batch{}
	for i := range 2 {
		for p := range event.Partition(Partitions) {
			b.Records = append(b.Records, eventlog.Record{
				Partition: p, Payload: fmt.Appendf(nil, "%s %d", name, i),
			})
		}
	}
	for p := range event.Partition(Partitions) {
		b.Counts = append(b.Counts, eventlog.Count{Property: 1 + event.PropertyID(p), Partition: p, N: 2})
	}
	return b
}

// appendPartly appends b while one partition takes nothing.
func appendPartly(t *testing.T, s Subject, l eventlog.Log, broken event.Partition, b *eventlog.Batch) *eventlog.PartialError {
	t.Helper()
	mend := s.Break(t, broken)
	defer mend()
	err := l.Append(withDeadline(t), b)
	var partial *eventlog.PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("append while partition %d is broken: got error %v, want a PartialError", broken, err)
	}
	return partial
}

func partialBatchSaysWhatIsDurable(t *testing.T, s Subject) {
	l := openLog(t, s)
	const broken = 2
	b := everywhere("x")
	partial := appendPartly(t, s, l, broken, b)
	for i, r := range b.Records {
		wantEqual(t, fmt.Sprint("durable record of partition ", r.Partition), partial.Durable[i], r.Partition != broken)
	}
	for i, c := range b.Counts {
		wantEqual(t, fmt.Sprint("counted in partition ", c.Partition), partial.Counted[i], c.Partition != broken)
	}
	for p := range event.Partition(Partitions) {
		want := []string{"x 0", "x 1"}
		if p == broken {
			want = nil
		}
		wantEqual(t, fmt.Sprint("partition ", p), texts(t, l, p), want)
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"1/0/": 2, "2/0/": 2, "4/0/": 2})
	// Nothing of a batch is durable: that is no partial one.
	mend := s.Break(t, broken)
	defer mend()
	err := l.Append(withDeadline(t), batch(broken, "y"))
	if err == nil || errors.As(err, &partial) {
		t.Fatalf("append to the broken partition alone: got error %v", err)
	}
}

func restOfAPartialBatchCompletesIt(t *testing.T, s Subject) {
	l := openLog(t, s)
	b := everywhere("x")
	rest := appendPartly(t, s, l, 1, b).Rest(b)
	wantEqual(t, "records of the rest", len(rest.Records), 2)
	wantEqual(t, "counts of the rest", rest.Counts, b.Counts[1:2])
	mustAppend(t, l, rest)
	for p := range event.Partition(Partitions) {
		wantEqual(t, fmt.Sprint("partition ", p), texts(t, l, p), []string{"x 0", "x 1"})
	}
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"1/0/": 2, "2/0/": 2, "3/0/": 2, "4/0/": 2})
}

// countsGoWithTheirPartition: a refusal goes with any record of the batch, and
// is not lost with a partition that it has nothing to do with.
func countsGoWithTheirPartition(t *testing.T, s Subject) {
	l := openLog(t, s)
	refusal := eventlog.Count{Property: 9, Reason: event.RefuseNoName, N: 1, Partition: 3}
	b := batch(1, "x")
	b.Counts = []eventlog.Count{refusal}
	mend := s.Break(t, 3)
	defer mend()
	mustAppend(t, l, b)
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"9/0/no_event_name": 1})
	// Counts alone need no partition.
	mustAppend(t, l, &eventlog.Batch{Counts: []eventlog.Count{refusal}})
	wantEqual(t, "counts", Sums(t, l), map[string]int64{"9/0/no_event_name": 2})
}

// countsGoWithTheirRecord: a count of one record is durable if and only if the
// record is, and the rest of a partial batch still says which one that is.
func countsGoWithTheirRecord(t *testing.T, s Subject) {
	l := openLog(t, s)
	b := everywhere("x")
	b.Counts = nil
	for i := range b.Records {
		b.Counts = append(b.Counts, eventlog.Count{Property: event.PropertyID(i), N: 1, Record: 1 + i, Partition: 1})
	}
	partial := appendPartly(t, s, l, 1, b)
	wantEqual(t, "counted", partial.Counted, partial.Durable)
	rest := partial.Rest(b)
	for i, c := range rest.Counts {
		wantEqual(t, "record of a count of the rest", c.Record, 1+i)
	}
	mustAppend(t, l, rest)
	want := map[string]int64{}
	for i := range b.Records {
		want[fmt.Sprintf("%d/0/", i)] = 1
	}
	wantEqual(t, "counts", Sums(t, l), want)
	none := batch(1, "y")
	none.Counts = []eventlog.Count{{Property: 1, N: 1, Record: 2}}
	wantError(t, "append a count of no record", l.Append(t.Context(), none), eventlog.ErrInvalid)
}
