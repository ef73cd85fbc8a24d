// Which plans can be answered of days whose rows are gone, and from when on rows are
// there (T11).
package store

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
)

func TestDroppedDaysStayInOrderAndRollupsLoseThem(t *testing.T) {
	m := Manifest{Rollups: map[event.PropertyID][]RollupRange{1: {{From: math.MinInt64, To: 100, Zone: "UTC"}, {From: 120, To: 130, Zone: "UTC"}}}}
	for _, c := range []struct {
		zone      string
		until, to event.Time
		ok        bool
	}{
		{"UTC", 50, 50, true}, {"UTC", 125, 100, true}, {"Asia/Tokyo", 50, 0, false},
	} {
		if to, ok := m.Droppable(1, c.zone, c.until); to != c.to || ok != c.ok {
			t.Errorf("droppable in %s until %d: %d %v, want %d %v", c.zone, c.until, to, ok, c.to, c.ok)
		}
	}
	m.WithoutRows(1, 40, "UTC")
	m.WithoutRows(1, 60, "UTC")
	last := lastRollup()
	want := Manifest{Kept: map[event.PropertyID][]RollupRange{1: {{From: math.MinInt64, To: 60, Zone: "UTC", Last: last}}},
		Rollups: map[event.PropertyID][]RollupRange{1: {{From: 60, To: 100, Zone: "UTC"}, {From: 120, To: 130, Zone: "UTC"}}}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("after two drops (-want +got):\n%s", diff)
	}
	if to, ok := m.Droppable(1, "UTC", 60); ok {
		t.Errorf("rows until %d can be dropped again", to)
	}
	m.Rollups[1] = []RollupRange{{From: 70, To: 100, Zone: "UTC"}} // the first days with rows have no cells now
	if to, ok := m.Droppable(1, "UTC", 90); ok {
		t.Errorf("rows until %d can be dropped though days among them have no cells", to)
	}
	if from, gone := m.RowsFrom(2); gone || from != math.MinInt64 {
		t.Errorf("another property has rows from %d, %v", from, gone)
	}
}

// TestCellsOfLaterRollupsAreNotTakenForNothing: a rollup that is added has no cells of
// days whose rows went before. Read from them its sums would be zero.
func TestCellsOfLaterRollupsAreNotTakenForNothing(t *testing.T) {
	m := Manifest{}
	p := &Plan{Property: 1, To: 3 * dayMicros, Dimensions: []Dimension{{Column: ColPath}}, Aggregates: []Aggregate{{Op: Count}}}
	for last, want := range map[RollupID]bool{lastRollup(): true, 24: true, 23: false} { // 24: events by page
		m.Kept = map[event.PropertyID][]RollupRange{1: {{From: math.MinInt64, To: dayMicros, Zone: "UTC", Last: 26}, {From: dayMicros, To: 2 * dayMicros, Zone: "UTC", Last: last}}}
		err := m.CheckRows(p)
		var gone *GoneError
		if want != (err == nil) || (!want && (!errors.As(err, &gone) || gone.RowsFrom != 2*dayMicros)) {
			t.Errorf("with rollups up to %d: %v, want an answer: %v", last, err, want)
		}
	}
}
