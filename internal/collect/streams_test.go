// Events of one request that name many streams.
package collect

import (
	"fmt"
	"net/http"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

// TestEachEventKeepsTheStreamItNames, however many there are, and whatever the
// request before named.
func TestEachEventKeepsTheStreamItNames(t *testing.T) {
	const streams, events = 60, 500
	f := newFixture(t, nil)
	f.registry.change(func() {
		for i := range streams {
			f.registry.properties[fmt.Sprint("G-", i)] = property.Property{
				ID: event.PropertyID(1000 + i), TimeZone: "UTC", Version: 1,
			}
		}
	})
	for round := range 3 {
		first := round * streams / 3
		name := func(i int) string { return fmt.Sprint("G-", (first+i*7)%(streams+20)) }
		before := f.counts(t)
		if w := f.post("/g/collect?cid=c", eventsOfStreams(events, name)); w.Code != http.StatusNoContent {
			t.Fatalf("got %d: %s", w.Code, w.Body)
		}
		want := make(map[string]int64)
		for i := range events {
			n := (first + i*7) % (streams + 20)
			if n < streams {
				want[fmt.Sprintf("property %d accepted", 1000+n)]++
			} else {
				want["property 0 unknown_property"]++
			}
		}
		got := f.counts(t)
		for key := range got {
			if got[key]-before[key] != want[key] {
				t.Errorf("round %d: %s: got %d more, want %d", round, key, got[key]-before[key], want[key])
			}
		}
		if len(got) != streams+1 {
			t.Errorf("round %d: %d sums, want %d", round, len(got), streams+1)
		}
	}
}

// TestAManyStreamsRequestLeavesNoNamesBehind: what the pool keeps must not hold
// what a sender sent, nor grow with it.
func TestAManyStreamsRequestLeavesNoNamesBehind(t *testing.T) {
	f := newFixture(t, nil)
	a := f.arrive(nativeProtocol())
	for i := range 10_000 {
		if s := a.addStream(resolved{measurementID: streamTooLong(i)}); a.findStream(s.measurementID) != s {
			t.Fatalf("stream %d is not found again", i)
		}
	}
	a.leave()
	if len(a.streams) != 0 || cap(a.streams) > keptDrafts || len(a.streamIndex) != 0 {
		t.Errorf("left %d streams, room for %d, %d names", len(a.streams), cap(a.streams), len(a.streamIndex))
	}
	if a.findStream(streamTooLong(3)) != nil {
		t.Error("a stream of the request before is found")
	}
}
