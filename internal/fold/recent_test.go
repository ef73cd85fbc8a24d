// To look only at sessions that a batch can have changed is to tell the same as to look
// at all of them.
package fold

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"tidemark/internal/event"
)

// someEvent is an event of one of few clients, mostly near the clock and often in a
// session that there is.
func someEvent(r *rand.Rand, clock int64, i int) *event.Event {
	back := time.Duration(r.IntN(40)) * time.Second
	switch r.IntN(12) {
	case 0:
		back = time.Duration(r.IntN(71*60)) * time.Minute
	case 1:
		back = time.Duration(r.IntN(90)) * time.Minute
	case 2: // the clock may be past its horizon: alone
		back = 72*time.Hour - time.Duration(r.IntN(30))*time.Second
	}
	e := &event.Event{ClientId: fmt.Sprint("c", r.IntN(2)), Key: fmt.Sprint("k", i), Trusted: true, EngagementKnown: true,
		Name: "page_view", Url: fmt.Sprintf("https://shop.example/%d", r.IntN(5)),
		IngestTime: clock - int64(r.IntN(2))*time.Minute.Microseconds()/2, EngagementMs: int64(r.IntN(2) * 700)}
	e.EventTime = e.IngestTime - back.Microseconds()
	switch r.IntN(8) {
	case 0:
		e.Sessionless = true
	case 1, 2, 3:
		e.SessionId = fmt.Sprint("s", r.IntN(3))
	}
	switch r.IntN(8) {
	case 0:
		e.Url += fmt.Sprint("?utm_source=paper&utm_medium=cpc&utm_campaign=", r.IntN(3))
	case 1:
		e.UserId = fmt.Sprint("u", r.IntN(2))
	case 2:
		e.SessionCount = 2
	case 3:
		e.Name = "scroll"
	}
	return e
}

func TestOnlyChangedSessionsAreLookedAt(t *testing.T) {
	spared := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		all, few := newHarness(t), newHarness(t)
		all.fold.tellAll = true
		both := func(do func(h *harness)) { do(all); do(few) }
		both(func(h *harness) { h.define(&event.Definition{Version: 1, TimeZone: "Europe/Berlin", Currency: "EUR"}) })
		clock, n, version := int64(1_795_000_000_000_000), 0, uint64(1)
		for batch := range 80 {
			for range 1 + r.IntN(3) {
				clock += int64(r.IntN(1200)) * time.Second.Microseconds()
				if r.IntN(60) == 0 {
					clock += (20 * time.Hour).Microseconds()
				}
				e := someEvent(r, clock, n)
				both(func(h *harness) { h.event(e) })
				n++
			}
			if r.IntN(25) == 0 {
				version++
				d := &event.Definition{Version: version, TimeZone: "Europe/Berlin", Currency: "EUR",
					ChannelRules: fmt.Sprintf("source=paper -> Paper %d", version)}
				both(func(h *harness) { h.define(d) })
			}
			for _, c := range few.fold.touched {
				if !c.shaken {
					spared++
				}
			}
			both(func(h *harness) { h.flush() })
			if want, have := all.told[batch], few.told[batch]; !reflect.DeepEqual(have, want) {
				t.Fatalf("seed %d, batch %d: told\n%+v\nwant\n%+v", seed, batch, have, want)
			}
		}
	}
	if spared < 1000 {
		t.Errorf("work was spared %d times only: the test compares next to nothing", spared)
	}
}
