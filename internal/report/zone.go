// Local days as spans of time, and the steps of a zone's offset over them (S19).
package report

import (
	"fmt"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// span is what one date range or minute range means to the store.
type span struct {
	name     string
	from, to event.Time // from <= t < to
	zone     store.Zone
	anchor   event.Time
	// first is the local time at which the range begins, kept as UTC: midnight of
	// its first day, or the first of its minutes.
	first time.Time
}

// zones loads time zones once each. Names come from the registry, so the
// number of entries is bounded by the zone database.
type zones struct {
	byName sync.Map // string -> *time.Location
}

func (z *zones) load(name string) (*time.Location, error) {
	if loc, ok := z.byName.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone %q: %w", name, err)
	}
	z.byName.Store(name, loc)
	return loc, nil
}

// zoneSteps returns the offsets of loc over [from, to), found exactly.
func zoneSteps(loc *time.Location, from, to event.Time) store.Zone {
	at := from.Std().In(loc)
	steps := store.Zone{{At: from, Offset: offsetAt(at)}}
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || event.TimeOf(end) >= to {
			return steps
		}
		at = end
		if offset := offsetAt(at); offset != steps[len(steps)-1].Offset {
			steps = append(steps, store.ZoneStep{At: event.TimeOf(at), Offset: offset})
		}
	}
}

func offsetAt(t time.Time) int64 {
	_, seconds := t.Zone()
	return int64(seconds) * int64(time.Second/time.Microsecond)
}

// StartOfDay returns the first instant at which clocks in loc show day d. That is
// not always midnight: some zones put clocks forward over it.
func StartOfDay(d Day, loc *time.Location) event.Time {
	midnight := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix()
	// No offset is as large as 26 hours, so the day starts within this window.
	const reach = 26 * 60 * 60
	at := time.Unix(midnight-reach, 0).In(loc)
	for {
		_, seconds := at.Zone()
		_, end := at.ZoneBounds()
		// The first instant of this stretch of equal offset whose clock is past midnight.
		start := max(midnight-int64(seconds), at.Unix())
		if end.IsZero() || start < end.Unix() {
			return event.TimeOf(time.Unix(start, 0))
		}
		at = end.In(loc)
	}
}

// DayOf returns the day that clocks in loc show at t.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Day{Year: y, Month: m, Day: d}
}

// Add returns the day n days later.
func (d Day) Add(n int) Day {
	return DayOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC), time.UTC)
}

// Before tells whether d is earlier than e.
func (d Day) Before(e Day) bool { return d.number() < e.number() }

// Valid tells whether there is such a day, and clocks that a tracker could have shown.
func (d Day) Valid() bool {
	return d.Year >= 1970 && d.Year <= 2200 && d.Add(0) == d
}

// String prints YYYY-MM-DD.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// number counts days since 1970-01-01.
func (d Day) number() int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

func rangeSpan(r DateRange, loc *time.Location) span {
	from, to := StartOfDay(r.Start, loc), StartOfDay(r.End.Add(1), loc)
	return span{name: r.Name, from: from, to: to, zone: zoneSteps(loc, from, to), anchor: to,
		first: time.Date(r.Start.Year, r.Start.Month, r.Start.Day, 0, 0, 0, 0, time.UTC)}
}

// minuteSpan covers the times whose whole minutes before now lie within r.
func minuteSpan(r MinuteRange, now time.Time, loc *time.Location) span {
	anchor := event.TimeOf(now)
	from := anchor.Add(-time.Duration(r.StartMinutesAgo+1)*time.Minute) + 1
	to := anchor.Add(-time.Duration(r.EndMins)*time.Minute) + 1
	zone := zoneSteps(loc, from, to)
	return span{name: r.Name, from: from, to: to, zone: zone, anchor: anchor,
		first: (from + event.Time(zone[0].Offset)).Std()}
}
