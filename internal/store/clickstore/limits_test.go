// Limits: a query that needs too much fails alone, and says so (T6).
package clickstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// wide asks for users by path over many events.
func wide() *store.Plan {
	return &store.Plan{Property: 1, To: 1 << 60, Dimensions: []store.Dimension{{Column: store.ColPath}, {Column: store.ColSource}},
		Aggregates: []store.Aggregate{{Op: store.DistinctUsers}}}
}

// filled is a store with events of as many paths and clients, as seen through other limits.
func filled(t *testing.T, change func(*Config)) (*Store, *line) {
	t.Helper()
	l := &line{server: startEngine(t)}
	cfg := configFor(l.server.NewDatabase(t))
	s := open(t, cfg, l)
	b := &store.SharedBatch{}
	for i := range event.RowID(100_000) {
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: i, Client: i, Path: fmt.Sprint(strings.Repeat("/a", 20), i)})
	}
	id := store.BatchID{Log: "suite-1", Partition: 1, Seq: 1}
	if err := s.Insert(t.Context(), id, b); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), store.Progress{Partition: 1, Seq: 1}); err != nil {
		t.Fatal(err)
	}
	change(&cfg)
	return open(t, cfg, l), l
}

func TestT6_QueryWithoutMemoryFailsAlone(t *testing.T) {
	s, _ := filled(t, func(c *Config) { c.QueryMemory = 4 << 20 })
	sn, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sn.Run(t.Context(), wide()); !errors.Is(err, store.ErrResources) {
		t.Errorf("got %v, want %v", err, store.ErrResources)
	}
	small := &store.Plan{Property: 2, To: 1 << 60}
	if _, err := sn.Run(t.Context(), small); err != nil {
		t.Errorf("a small query after it: %v", err)
	}
}

func TestT6_QueryThatTakesTooLongFailsAlone(t *testing.T) {
	s, _ := filled(t, func(*Config) {})
	sn, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.QueryTimeout = time.Microsecond
	if _, err := sn.Run(t.Context(), wide()); !errors.Is(err, store.ErrResources) {
		t.Errorf("got %v, want %v", err, store.ErrResources)
	}
}

func TestT6_ContextEndsAQueryOfASilentServer(t *testing.T) {
	s, l := filled(t, func(*Config) {})
	sn, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.server.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sn.Run(ctx, wide()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestAnswerThatBreaksOffIsNoAnswer(t *testing.T) {
	for name, body := range map[string]string{"in a number": "\x01/\x00\x00", "in a text": "\x09/a", "in a length": "\xff\xff",
		"a text too long": "\xff\xff\xff\xff\xff\x7f"} {
		st := &statement{dims: []store.Bucket{store.NoBucket}, aggs: 1}
		rows := &store.Rows{}
		if err := decodeRows(bufferOf(body), func(d *decoder) { appendRow(rows, d, st) }); err == nil {
			t.Errorf("%s: it was taken for an answer", name)
		}
	}
}
