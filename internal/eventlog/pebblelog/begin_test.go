// A log that takes the place of one that was lost begins behind it.
package pebblelog

import (
	"slices"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func TestANewLogBeginsWhereItIsTold(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Dir, cfg.Partitions, cfg.Begin, cfg.MinFreeBytes = t.TempDir(), 2, []event.Offset{700, 0}, 0
	open := func(cfg Config) *Log {
		t.Helper()
		l, err := Open(cfg, Deps{})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want := func(l *Log, starts, ends []event.Offset) {
		t.Helper()
		for p := range event.Partition(2) {
			if l.Start(p) != starts[p] || l.End(p) != ends[p] {
				t.Errorf("partition %d is [%d, %d), want [%d, %d)", p, l.Start(p), l.End(p), starts[p], ends[p])
			}
		}
	}
	l := open(cfg)
	want(l, []event.Offset{700, 0}, []event.Offset{700, 0})
	b := &eventlog.Batch{Records: []eventlog.Record{{Partition: 0, Payload: []byte("a")}, {Partition: 1, Payload: []byte("b")}}}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// A log that is there stays as it is.
	cfg.Begin = []event.Offset{9000, 9000}
	l = open(cfg)
	defer l.Close()
	want(l, []event.Offset{700, 0}, []event.Offset{701, 1})
	entries, err := l.Read(t.Context(), 0, 700, 100, nil)
	if err != nil || len(entries) != 1 || entries[0].Offset != 700 || !slices.Equal(entries[0].Payload, []byte("a")) {
		t.Errorf("read %+v, %v", entries, err)
	}
}
