// Local days and their offsets, in zones that make trouble.
package report

import (
	"testing"
	"time"

	"tidemark/internal/event"
)

func TestS19DaysStartWhenClocksFirstShowThem(t *testing.T) {
	for _, c := range []struct{ zone, day, want string }{
		{"UTC", "2026-11-23", "2026-11-23T00:00:00Z"},
		{"Asia/Kolkata", "2026-11-23", "2026-11-22T18:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z"}, // half an hour of summer time begins that night
		{"America/Havana", "2026-03-08", "2026-03-08T05:00:00Z"},      // midnight does not exist
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"},        // nor here
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},      // midnight comes twice: the first counts
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},        // the day does not exist
		{"Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02", c.day)
		if err != nil {
			t.Fatal(err)
		}
		got := StartOfDay(DayOf(at, time.UTC), loc).Std().Format(time.RFC3339)
		if got != c.want {
			t.Errorf("%s starts in %s at %s, want %s", c.day, c.zone, got, c.want)
		}
	}
}

func TestZoneStepsAgreeWithTheZoneAtEveryQuarterHourOfTwoYears(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
		"Africa/Casablanca", "America/Havana", "UTC"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := rangeSpan(DateRange{Start: Day{2025, 1, 1}, End: Day{2026, 12, 31}}, loc)
		for at := s.from; at < s.to; at = at.Add(15 * time.Minute) {
			offset := s.zone[0].Offset
			for _, step := range s.zone[1:] {
				if at >= step.At {
					offset = step.Offset
				}
			}
			if want := offsetAt(at.Std().In(loc)); offset != want {
				t.Fatalf("%s at %s: offset %d, want %d", name, at, offset, want)
			}
		}
	}
}

func TestADayOfTheClockChangeHas23Or25Hours(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[Day]time.Duration{{2026, 3, 29}: 23 * time.Hour, {2026, 10, 25}: 25 * time.Hour, {2026, 6, 1}: 24 * time.Hour} {
		s := rangeSpan(DateRange{Start: day, End: day}, loc)
		if got := s.to.Sub(s.from); got != want {
			t.Errorf("%s lasts %s, want %s", day, got, want)
		}
	}
}

func TestMinutesAgoEndsWithNow(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := minuteSpan(MinuteRange{StartMinutesAgo: 29, EndMins: 0}, now, time.UTC)
	if s.to != event.TimeOf(now)+1 || s.to.Sub(s.from) != 30*time.Minute {
		t.Errorf("the last 30 minutes are [%s, %s)", s.from, s.to)
	}
}
