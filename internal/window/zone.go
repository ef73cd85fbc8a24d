// Zone: local days without asking the time zone database each time.
package window

import (
	"fmt"
	"time"

	"tidemark/internal/event"
)

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// Zone answers for one time zone. It is for one goroutine.
type Zone struct {
	loc *time.Location
	// Offset holds within [from, to).
	from, to event.Time
	offset   int64 // microseconds
}

// LoadZone returns the zone of an IANA name.
func LoadZone(name string) (*Zone, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone %q: %w", name, err)
	}
	return &Zone{loc: loc}, nil
}

// Location returns the zone as package time knows it.
func (z *Zone) Location() *time.Location { return z.loc }

// LocalDay returns the day of t in the zone, as days since 1970-01-01.
func (z *Zone) LocalDay(t event.Time) int32 {
	if t < z.from || t >= z.to {
		z.load(t)
	}
	return int32(floorDiv(int64(t)+z.offset, dayMicros))
}

// StartOfDay returns the first instant of a local day. Where the clock is put
// forward over midnight (Cairo, Havana) that is not midnight, and time.Date may
// answer with an instant of the day before.
func (z *Zone) StartOfDay(day int32) event.Time {
	at := time.Unix(int64(day)*86400, 0).UTC()
	start := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, z.loc)
	if z.LocalDay(event.TimeOf(start)) < day {
		_, start = start.ZoneBounds()
	}
	return event.TimeOf(start)
}

func (z *Zone) load(t event.Time) {
	at := t.Std().In(z.loc)
	_, seconds := at.Zone()
	z.offset = int64(seconds) * int64(time.Second/time.Microsecond)
	start, end := at.ZoneBounds()
	z.from, z.to = event.Time(-1<<63), event.Time(1<<63-1)
	if !start.IsZero() {
		z.from = event.TimeOf(start)
	}
	if !end.IsZero() {
		z.to = event.TimeOf(end)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Step says that from At on local time is UTC + Offset microseconds.
type Step struct {
	At     event.Time
	Offset int64
}

// Steps returns the offsets that hold within [from, to), the first of them from
// `from` on.
func (z *Zone) Steps(from, to event.Time) []Step {
	var steps []Step
	for at := from; at < to; at = z.to {
		if at < z.from || at >= z.to {
			z.load(at)
		}
		if len(steps) == 0 || steps[len(steps)-1].Offset != z.offset {
			steps = append(steps, Step{At: at, Offset: z.offset})
		}
		if z.to <= at {
			break
		}
	}
	return steps
}
