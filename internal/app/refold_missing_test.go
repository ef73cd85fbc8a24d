// Which days a restore names as lacking events: those that end behind the archive and began before the topic does, if anything came.
package app

import (
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/pipeline/owned"
)

func TestDaysThatNobodyHasAreNamed(t *testing.T) {
	at := func(day, hour int) event.Time { return event.TimeOf(time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC)) }
	number := func(day int) int32 { return int32(time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC).Unix() / 86400) }
	on := func(days ...int) (out []eventlog.Count) {
		for _, d := range days {
			out = append(out, eventlog.Count{Property: 7, Day: number(d), N: 3})
		}
		return out
	}
	const never = event.Time(-1 << 63)
	for name, c := range map[string]struct {
		counts       []eventlog.Count
		until, began event.Time
		from         event.Time // 0: nothing is missing
	}{
		"the archive ends behind the topic's beginning": {on(1, 2, 3, 4, 5), at(4, 0), at(2, 7), 0},
		"it ends where the topic begins":                {on(1, 2, 3), at(2, 7), at(2, 7), 0},
		"a gap":                                         {on(1, 2, 3, 4, 5, 6), at(3, 0), at(5, 7), at(3, 0)},
		"a gap that begins within a day":                {on(1, 2, 3, 4, 5, 6), at(2, 23), at(5, 7), at(2, 23)},
		"a gap in which nothing came":                   {on(1, 2, 6, 7), at(3, 0), at(5, 7), 0},
		"a gap of which the last day has events":        {on(1, 2, 5), at(3, 0), at(5, 7), at(5, 0)},
		"no archived day":                               {on(2, 3, 4, 5, 6), never, at(5, 7), at(2, 0)},
		"no event at all":                               {nil, never, at(5, 7), 0},
		"refused events only":                           {[]eventlog.Count{{Property: 7, Day: number(4), Reason: "bad", N: 3}}, never, at(5, 7), 0},
	} {
		from, some := lostFrom(c.counts, 7, c.until, c.began)
		if some != (c.from != 0) || some && from != c.from {
			t.Errorf("%s: %v from %v, want from %v", name, some, from, c.from)
		}
		if _, some := lostFrom(c.counts, 8, c.until, c.began); some {
			t.Errorf("%s: another property lacks events", name)
		}
	}
	parts := []owned.Refolded{{Again: true, Began: 900}, {Again: true, Forgot: true, Began: 100}, {Again: true, Forgot: true, Began: 300}}
	if got := forgotUntil(parts); got != 300 {
		t.Errorf("forgot until %v, want 300: a partition that has all says nothing", got)
	}
	if got := forgotUntil(parts[:1]); got != never {
		t.Errorf("forgot until %v, want never", got)
	}
}
