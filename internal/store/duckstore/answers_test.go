// Tests of remembered answers: never older than the snapshot that is asked.
package duckstore

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestAnswersAreRememberedUntilTheirPropertyChanges(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	row := event.RowID(0)
	add := func(p event.PropertyID) {
		row++
		b := &store.Batch{Events: []store.EventRow{{Property: p, Row: row, Part: row, Client: row, EventTime: 5}}}
		if err := s.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := func() store.Snapshot {
		sn, err := s.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return sn
	}
	ask := func(sn store.Snapshot, want int64, recalled bool) {
		t.Helper()
		before := testutil.ToFloat64(s.tel.recalled)
		rows, err := sn.Run(context.Background(), &store.Plan{Property: 1, To: 10,
			Aggregates: []store.Aggregate{{Op: store.Count}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := rows.Aggregates[0][0]; got != want {
			t.Errorf("got %d events, want %d", got, want)
		}
		if got := testutil.ToFloat64(s.tel.recalled) > before; got != recalled {
			t.Errorf("answered from memory: %v, want %v", got, recalled)
		}
	}
	add(1)
	first := snapshot()
	defer first.Release()
	ask(first, 1, false)
	ask(first, 1, true)
	add(2) // another property's row changes nothing
	second := snapshot()
	defer second.Release()
	ask(second, 1, true)
	add(1)
	third := snapshot()
	defer third.Release()
	ask(third, 2, false)
	ask(third, 2, true)
	ask(first, 1, false) // it is older than what is remembered now
}

func TestD8RememberedAnswersAreBounded(t *testing.T) {
	a := newAnswers(1 << 16)
	rows := &store.Rows{Dimensions: [][]string{{"a value of some length"}}, Aggregates: [][]int64{{1, 2, 3}}}
	for i := range 10_000 {
		a.remember(string(rune(i))+"key", rows)
	}
	held := 0
	for i := range 10_000 {
		if _, ok := a.recall(string(rune(i)) + "key"); ok {
			held++
		}
	}
	if most := (1 << 16) / 128; held == 0 || held > most {
		t.Errorf("%d answers are held, want some and at most %d", held, most)
	}
	large := &store.Rows{}
	for range 1000 {
		large.Dimensions, large.Aggregates = append(large.Dimensions, []string{"x"}), append(large.Aggregates, []int64{1})
	}
	a.remember("large", large)
	if _, ok := a.recall("large"); ok {
		t.Error("an answer was kept that pushes out all others")
	}
}
