// What is due, by hand.
package due

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Property 1 is in Berlin, where clocks go back on 2026-10-25; of 2 nothing is known.
func testZones(t *testing.T) *Zones {
	t.Helper()
	z := NewZones()
	learn(t, z, 1, "Europe/Berlin", 2)
	return z
}

func learn(t *testing.T, z *Zones, id event.PropertyID, zone string, version uint64) {
	t.Helper()
	b, err := (&event.Definition{Property: uint64(id), TimeZone: zone, Version: version}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	z.Learn(map[event.PropertyID][]byte{id: b})
}

func at(t *testing.T, text string) event.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return event.TimeOf(when)
}

func TestAnEarlierDefinitionDoesNotTakeTheZoneBack(t *testing.T) {
	z := testZones(t)
	learn(t, z, 1, "Asia/Tokyo", 1)
	learn(t, z, 1, "No/Where", 3)
	from, to := z.Around(1, at(t, "2026-10-25 12:00"), at(t, "2026-10-25 12:00"))
	if from != at(t, "2026-10-24 22:00") || to != at(t, "2026-10-25 23:00") {
		t.Errorf("the day of 25 hours is %v to %v", from, to)
	}
	if from, to := z.Around(2, 5, 6); from != math.MinInt64 || to != math.MaxInt64 {
		t.Errorf("of an unknown zone: %v to %v", from, to)
	}
	learn(t, z, 1, "Asia/Tokyo", 4)
	if name, _, ok := z.Steps(1, 0, 1); name != "Asia/Tokyo" || !ok {
		t.Errorf("a later definition: %q, %v", name, ok)
	}
}

func TestDaysBecomeFinalUpToTheirEndsAndOpenSessionsS28(t *testing.T) {
	z := testZones(t)
	through := FinalThrough(at(t, "2026-10-30 12:00"))
	if want := at(t, "2026-10-27 11:59"); through != want {
		t.Fatalf("final through %v, want %v", through, want)
	}
	first := at(t, "2026-10-23 12:00")
	for name, c := range map[string]struct {
		open  store.Open
		until string // before: FinalUntil
		days  int
		want  string
	}{
		"one day":                   {store.Open{MinTime: first}, "", 1, "2026-10-23 22:00"},
		"two days":                  {store.Open{MinTime: first}, "", 2, "2026-10-24 22:00"},
		"all days there are":        {store.Open{MinTime: first}, "", 9, "2026-10-26 23:00"},
		"a session is open":         {store.Open{MinTime: first, EarliestStart: at(t, "2026-10-25 10:00")}, "", 9, "2026-10-24 22:00"},
		"a session of the first":    {store.Open{MinTime: first, EarliestStart: first}, "", 9, ""},
		"nothing before the border": {store.Open{MinTime: at(t, "2026-10-27 11:59")}, "", 9, ""},
		"the day is not over":       {store.Open{MinTime: at(t, "2026-10-26 23:00")}, "2026-10-26 23:00", 9, ""},
	} {
		m := (&store.Manifest{}).Clone()
		if c.until != "" {
			m.FinalUntil[1] = at(t, c.until)
		}
		want := map[event.PropertyID]event.Time{}
		if c.want != "" {
			want[1] = at(t, c.want)
		}
		got := Final(&m, map[event.PropertyID]store.Open{1: c.open, 2: {MinTime: first}}, through, c.days, z)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if FinalThrough(0) != 0 {
		t.Error("without a clock something is final")
	}
}

func TestCellsAreMadeDayByDayAndOfGapsFirst(t *testing.T) {
	z := testZones(t)
	m := (&store.Manifest{}).Clone()
	m.FinalUntil[1] = at(t, "2026-10-26 23:00")
	firstOf := func(_ event.PropertyID, from, to event.Time) (event.Time, error) {
		return min(to, max(from, at(t, "2026-10-23 12:00"))), nil
	}
	next := func() (store.RollupSpan, store.RollupRange, bool) {
		t.Helper()
		span, r, ok, err := Rollup(&m, 1, 1, z, firstOf)
		if err != nil {
			t.Fatal(err)
		}
		return span, r, ok
	}
	span, r, ok := next()
	if want := (store.RollupRange{From: math.MinInt64, To: at(t, "2026-10-23 22:00"), Zone: "Europe/Berlin"}); r != want || !ok {
		t.Errorf("first: %+v, want %+v", r, want)
	}
	if span.From > at(t, "2026-10-22 22:00") || span.To != r.To {
		t.Errorf("its rows: %+v", span)
	}
	for steps := 0; ok; steps++ {
		m.NoteRollup(1, r)
		if _, r, ok = next(); steps > 5 {
			t.Fatal("it does not end")
		}
	}
	m.LoseRows(1, store.Restated{From: at(t, "2026-10-24 22:00"), To: at(t, "2026-10-25 23:00")})
	if _, r, ok := next(); !ok || r.From != at(t, "2026-10-24 22:00") || r.To != at(t, "2026-10-25 23:00") {
		t.Errorf("the gap: %+v, %v", r, ok)
	}
	m.NoteRollup(1, store.RollupRange{From: at(t, "2026-10-24 22:00"), To: at(t, "2026-10-25 23:00"), Zone: "Europe/Berlin"})
	learn(t, z, 1, "Asia/Tokyo", 9)
	if _, r, ok := next(); !ok || r.Zone != "Asia/Tokyo" || r.From != math.MinInt64 {
		t.Errorf("after a change of zone: %+v, %v", r, ok)
	}
	learn(t, z, 1, "Europe/Berlin", 10)
	if _, _, ok, _ := Drop(&m, 1, 3, at(t, "2026-10-24 12:00"), z, firstOf); !ok {
		t.Error("rows of days with cells are not due")
	}
	drop, zone, ok, err := Drop(&m, 1, 2, at(t, "2026-10-26 12:00"), z, firstOf)
	if err != nil || !ok || zone != "Europe/Berlin" || drop.To != at(t, "2026-10-23 22:00") {
		t.Errorf("rows to drop: %+v of %s, %v, %v", drop, zone, ok, err)
	}
	if _, _, ok, _ := Drop(&m, 1, 0, at(t, "2026-10-26 12:00"), z, firstOf); ok {
		t.Error("rows that are kept for ever are due")
	}
}
