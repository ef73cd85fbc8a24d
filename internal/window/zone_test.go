// Local days, also where they are not 24 hours long or do not begin at midnight.
package window

import (
	"slices"
	"testing"
	"time"

	"tidemark/internal/event"
)

func TestStartOfDayIsTheFirstInstantOfTheDayS19(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Africa/Cairo",
		"America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago"} {
		z, err := LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		first := z.LocalDay(event.TimeOf(time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)))
		for day := first; day < first+3*366; day++ {
			start := z.StartOfDay(day)
			if got := z.LocalDay(start); got != day {
				t.Errorf("%s: day %d starts at %v, which is day %d", zone, day, start, got)
			}
			if got := z.LocalDay(start - 1); got != day-1 {
				t.Errorf("%s: the moment before day %d is of day %d", zone, day, got)
			}
		}
	}
}

func TestLocalDayAgreesWithPackageTimeS19(t *testing.T) {
	z, err := LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(47 * time.Minute) {
		y, m, d := at.In(z.Location()).Date()
		want := int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
		if got := z.LocalDay(event.TimeOf(at)); got != want {
			t.Fatalf("%v is day %d, want %d", at, got, want)
		}
	}
}

func TestJoinsPartIsLessThanTheGapOnBothSidesS12(t *testing.T) {
	const gap = 30 * time.Minute
	start := event.TimeOf(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	end := start.Add(time.Hour)
	f := func(at event.Time, want bool) {
		t.Helper()
		if got := JoinsPart(at, start, end, gap); got != want {
			t.Errorf("JoinsPart(%v) = %v, want %v", at, got, want)
		}
	}
	f(start.Add(-gap), false)
	f(start.Add(-gap)+1, true)
	f(start.Add(time.Minute), true)
	f(end.Add(gap)-1, true)
	f(end.Add(gap), false)
}

func TestStepsAreTheOffsetsOfARange(t *testing.T) {
	z, err := LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour int) event.Time {
		return event.TimeOf(time.Date(2026, month, day, hour, 0, 0, 0, time.UTC))
	}
	const hour = int64(time.Hour / time.Microsecond)
	got := z.Steps(at(1, 1, 0), at(12, 1, 0))
	want := []Step{{at(1, 1, 0), hour}, {at(3, 29, 1), 2 * hour}, {at(10, 25, 1), hour}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// A change at the end of the range is not in it.
	if got := z.Steps(at(3, 28, 0), at(3, 29, 1)); len(got) != 1 {
		t.Errorf("got %v, want one step", got)
	}
}
