// What the promises share: appending, reading everything, comparing.
package eventlogtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// deadline bounds what must happen soon; it is reached only if it never does.
const deadline = 30 * time.Second

// openLog opens the subject's log and closes it when the test ends.
func openLog(t testing.TB, s Subject) eventlog.Log {
	t.Helper()
	l := s.Open(t)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// batch makes a batch of texts for one partition.
func batch(p event.Partition, texts ...string) *eventlog.Batch {
	b := &eventlog.Batch{}
	for _, text := range texts {
		b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: []byte(text)})
	}
	return b
}

func mustAppend(t testing.TB, l eventlog.Log, b *eventlog.Batch) {
	t.Helper()
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// ReadAll reads p from its start to its end in steps of maxBytes, and checks on
// the way that the offsets have no gap (L3).
func ReadAll(t testing.TB, l eventlog.Log, p event.Partition, maxBytes int) []eventlog.Entry {
	t.Helper()
	var all []eventlog.Entry
	for next := l.Start(p); ; {
		got, err := l.Read(t.Context(), p, next, maxBytes, nil)
		if err != nil {
			t.Fatalf("read partition %d at %d: %v", p, next, err)
		}
		if len(got) == 0 {
			return all
		}
		for _, e := range got {
			if e.Offset != next {
				t.Fatalf("read partition %d: offset %d where %d is next", p, e.Offset, next)
			}
			next++
		}
		all = append(all, got...)
	}
}

// texts returns the payloads of p as strings.
func texts(t testing.TB, l eventlog.Log, p event.Partition) []string {
	t.Helper()
	var out []string
	for _, e := range ReadAll(t, l, p, 1<<20) {
		out = append(out, string(e.Payload))
	}
	return out
}

// Sums returns the log's counts as "property/day/reason" -> n.
func Sums(t testing.TB, l eventlog.Log) map[string]int64 {
	t.Helper()
	counts, err := l.Counts(t.Context())
	if err != nil {
		t.Fatalf("counts: %v", err)
	}
	sums := make(map[string]int64)
	for _, c := range counts {
		sums[fmt.Sprintf("%d/%d/%s", c.Property, c.Day, c.Reason)] += c.N
	}
	if len(sums) != len(counts) {
		t.Fatalf("counts: a key comes twice in %v", counts)
	}
	return sums
}

// sumsOf returns the sums of one property.
func sumsOf(t testing.TB, l eventlog.Log, id event.PropertyID) map[event.RefuseReason]int64 {
	t.Helper()
	sums, err := l.CountsOf(t.Context(), id)
	if err != nil {
		t.Fatalf("counts of property %d: %v", id, err)
	}
	return sums
}

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !isError(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

// withDeadline returns a context that ends long after the test should have.
func withDeadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}
