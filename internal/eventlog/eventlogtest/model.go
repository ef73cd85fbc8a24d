// MatchesModel: random operations on the log and on a few slices agree.
package eventlogtest

import (
	"testing"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// model is the obvious log.
type model struct {
	records [Partitions][]string
	start   [Partitions]event.Offset
	sums    map[string]int64
}

// matchesModel runs sequences of operations. All sequences use one log, so the
// model is carried from one to the next.
func matchesModel(t *testing.T, s Subject) {
	l := openLog(t, s)
	m := &model{sums: map[string]int64{}}
	rapid.Check(t, func(rt *rapid.T) {
		rt.Repeat(map[string]func(*rapid.T){
			"append":   func(rt *rapid.T) { m.append(t, rt, l) },
			"truncate": func(rt *rapid.T) { m.truncate(t, rt, l) },
			"read":     func(rt *rapid.T) { m.read(t, rt, l) },
		})
	})
	for p := range event.Partition(Partitions) {
		wantEqual(t, "start", l.Start(p), m.start[p])
		wantEqual(t, "records", len(ReadAll(t, l, p, 500)), len(m.records[p])-int(m.start[p]))
	}
	wantEqual(t, "counts", Sums(t, l), m.sums)
}

func (m *model) append(t *testing.T, rt *rapid.T, l eventlog.Log) {
	b := &eventlog.Batch{}
	for range rapid.IntRange(0, 6).Draw(rt, "records") {
		p := rapid.IntRange(0, Partitions-1).Draw(rt, "partition")
		text := rapid.StringN(0, 20, 40).Draw(rt, "text")
		b.Records = append(b.Records,
			eventlog.Record{Partition: event.Partition(p), Payload: []byte(text)})
		m.records[p] = append(m.records[p], text)
	}
	for range rapid.IntRange(0, 2).Draw(rt, "counts") {
		n := rapid.Int64Range(1, 9).Draw(rt, "n")
		b.Counts = append(b.Counts, eventlog.Count{Property: 1, N: n})
		m.sums["1/0/"] += n
	}
	mustAppend(t, l, b)
}

func (m *model) truncate(t *testing.T, rt *rapid.T, l eventlog.Log) {
	p := rapid.IntRange(0, Partitions-1).Draw(rt, "partition")
	before := event.Offset(rapid.IntRange(0, len(m.records[p])+3).Draw(rt, "before"))
	if err := l.Truncate(t.Context(), event.Partition(p), before); err != nil {
		rt.Fatalf("truncate: %v", err)
	}
	m.start[p] = max(m.start[p], min(before, event.Offset(len(m.records[p]))))
}

func (m *model) read(t *testing.T, rt *rapid.T, l eventlog.Log) {
	p := rapid.IntRange(0, Partitions-1).Draw(rt, "partition")
	from := rapid.IntRange(0, len(m.records[p])+1).Draw(rt, "from")
	maxBytes := rapid.IntRange(0, 200).Draw(rt, "maxBytes")
	got, err := l.Read(t.Context(), event.Partition(p), event.Offset(from), maxBytes, nil)
	if event.Offset(from) < m.start[p] {
		if !isError(err, eventlog.ErrTruncated) {
			rt.Fatalf("read before the start: got error %v", err)
		}
		return
	}
	if err != nil {
		rt.Fatalf("read: %v", err)
	}
	want, bytes := 0, 0
	for o := from; o < len(m.records[p]); o++ {
		if bytes += len(m.records[p][o]); want > 0 && bytes > maxBytes {
			break
		}
		want++
	}
	if len(got) != want {
		rt.Fatalf("read %d at %d: %d records, want %d", p, from, len(got), want)
	}
	for i, e := range got {
		if e.Offset != event.Offset(from+i) || string(e.Payload) != m.records[p][from+i] {
			rt.Fatalf("read %d: got %q at %d, want %q", p, e.Payload, e.Offset, m.records[p][from+i])
		}
	}
}
