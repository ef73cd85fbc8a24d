// What steps of upkeep note in a Manifest.
package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
)

func TestAnErasureTakesCellsOfFinalDaysWithRowsOnlyS29(t *testing.T) {
	const p = 7
	m := Manifest{FinalUntil: map[event.PropertyID]event.Time{p: 100},
		Rollups: map[event.PropertyID][]RollupRange{p: {{From: 30, To: 100, Zone: "z"}}},
		Kept:    map[event.PropertyID][]RollupRange{p: {{To: 30, Zone: "z"}}}}
	m = m.Clone()
	m.NoteErased(p, Restated{At: 1, From: 10, To: 40})   // began on a day without rows
	m.NoteErased(p, Restated{At: 2, From: 90, To: 120})  // up to a young day
	m.NoteErased(p, Restated{At: 3, From: 110, To: 120}) // young alone
	m.NoteErased(8, Restated{At: 4, From: 10, To: 20})   // nothing is final
	want := []Restated{{At: 1, From: 30, To: 40}, {At: 2, From: 90, To: 100}}
	if diff := cmp.Diff(want, m.Restated[p]); diff != "" || len(m.Restated[8]) > 0 {
		t.Errorf("noted %v and (-want +got):\n%s", m.Restated[8], diff)
	}
	if diff := cmp.Diff([]RollupRange{{From: 40, To: 90, Zone: "z"}}, m.Rollups[p]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if m.DayVersion[p] != 3 || m.DayVersion[8] != 1 {
		t.Errorf("versions %v", m.DayVersion)
	}
}

func TestCellsOfAnotherZoneAreGivenUp(t *testing.T) {
	m := (&Manifest{Rollups: map[event.PropertyID][]RollupRange{1: {{From: 0, To: 10, Zone: "a"}}}}).Clone()
	m.NoteRollup(1, RollupRange{From: 15, To: 20, Zone: "b"})
	m.NoteRollup(1, RollupRange{From: 20, To: 30, Zone: "b"})
	if diff := cmp.Diff([]RollupRange{{From: 15, To: 30, Zone: "b"}}, m.Rollups[1]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if _, ok := m.CellsZone(1, 30); ok {
		t.Error("all days from the first on have cells, it says, and those before 15 have none")
	}
	m.WithoutRows(1, 15, "a")
	if zone, ok := m.CellsZone(1, 30); zone != "b" || !ok {
		t.Errorf("cells up to 30 are of %q, %v", zone, ok)
	}
	if _, ok := m.CellsZone(1, 31); ok {
		t.Error("a young day has cells")
	}
}
