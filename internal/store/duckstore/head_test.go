// Heads: rows lie in the order of their batches, whatever the size of these, and come back as they
// were.
package duckstore

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestK1_RowsLieInTheOrderOfTheirBatches(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	total := int64(0)
	var held []store.Snapshot
	var want []int64
	// 2048 rows make a page.
	for _, n := range []int{1, 2047, 2048, 2049, 130_000, 3, 260_000, 1} {
		b := &store.Batch{}
		for range n {
			b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(total)})
			total++
		}
		if err := s.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		sn, err := s.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer sn.Release()
		held, want = append(held, sn), append(want, total)
	}
	for i, sn := range held {
		rows, err := sn.Run(context.Background(), &store.Plan{Property: 1, To: 1, Aggregates: []store.Aggregate{{}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := rows.Aggregates[0][0]; got != want[i] {
			t.Errorf("snapshot %d: got %d rows, want %d", i, got, want[i])
		}
	}
	// The sealer has one thread, which reads rows in their order.
	next := uint64(0)
	err := s.sealer.run(context.Background(), "SELECT row_id FROM "+s.heads[0].source(store.YoungEvents, total, 0),
		func(r *result) error {
			for i := range r.rows {
				if got := r.uint64(0, i); got != next {
					return fmt.Errorf("row %d is at place %d", got, next)
				}
				next++
			}
			return nil
		})
	if err != nil || next != uint64(total) {
		t.Errorf("%d rows of %d: %v", next, total, err)
	}
}

func TestTextsOfAnyLengthComeBack(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	b := &store.Batch{}
	var texts []string
	for _, n := range []int{0, 1, 11, 12, 13, 16, 17, 255, 4096} {
		for _, unit := range []string{"a", "\u00e9", "\U0001f600", "\x00"} {
			texts = append(texts, strings.Repeat(unit, n))
		}
	}
	for i, text := range texts {
		for range 2 { // the second is copied from the row before
			b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(i), Path: text})
		}
	}
	if err := s.Append(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	rows, err := sn.Run(context.Background(), &store.Plan{Property: 1, To: 1,
		Dimensions: []store.Dimension{{Column: store.ColPath}}, Aggregates: []store.Aggregate{{}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for i, d := range rows.Dimensions {
		got[d[0]] = rows.Aggregates[i][0]
	}
	for _, text := range texts {
		want := int64(2)
		if text == "" {
			want = 8 // four units repeated no times
		}
		if got[text] != want {
			t.Errorf("%.20q of %d bytes: got %d rows, want %d", text, len(text), got[text], want)
		}
	}
}

func countFiles(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries) - 1 // without tmp
}
