// Erasure on an adapter: rows of a client go from every table, others stay as they
// were (T10).
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// person returns a batch of a client with one session of two events, and a synthetic row.
func person(number event.RowID, clientID, userID string, at event.Time) *store.Batch {
	b := &store.Batch{Sessions: []store.SessionRow{{Property: 1, Session: number, Revision: uint64(number), Counted: true,
		Client: number, ClientID: clientID, Start: at, End: at + 1, LandingPath: "/of/" + clientID, Source: "s-" + clientID,
		Country: "DE", Views: 1}}}
	for i := range event.RowID(3) {
		e := store.EventRow{Property: 1, Row: number + i, Part: number, Client: number, EventTime: at + event.Time(i%2),
			IngestTime: at, Name: "page_view", Path: "/of/" + clientID, Active: true, Key: fmt.Sprint(number + i)}
		if i == 1 {
			e.UserID = userID
		}
		if i == 2 {
			e.Row, e.Sub, e.Name = number, 1, "session_start"
		}
		b.Events = append(b.Events, e)
	}
	return b
}

func byPath(r store.Relation) *store.Plan {
	p := &store.Plan{Property: 1, Relation: r, To: forever, Aggregates: []store.Aggregate{{Op: store.Count}}}
	p.Dimensions = []store.Dimension{{Column: store.ColLandingPath}}
	return p
}

func testErasureTakesOneClientOnly(t *testing.T, open Opener) {
	for _, final := range []bool{false, true} {
		t.Run(fmt.Sprintf("final=%v", final), func(t *testing.T) { eraseOne(t, open, final) })
	}
}

func eraseOne(t *testing.T, open Opener, final bool) {
	w := newWorld(t, open)
	for i, who := range []string{"anna", "berta", "anna", "carla"} {
		// The third comes back after the erasure, as somebody new.
		w.append(person(event.RowID(100*(i+1)), who, "user-of-"+who, firstDay+event.Time(i)*hourMicros))
		w.checkpoint()
	}
	if final {
		w.finalize(map[event.PropertyID]event.Time{1: firstDay + dayMicros})
		w.rollUp(1, firstDay, firstDay+dayMicros, "UTC", store.Zone{{}})
	}
	sn := w.snapshot()
	clients, err := sn.ClientsOf(context.Background(), 1, "user-of-anna")
	if err != nil || len(clients) != 1 || clients[0] != "anna" {
		t.Fatalf("clients of the user: %v, %v", clients, err)
	}
	was := mustRun(t, sn, byPath(store.Events))
	sn.Release()
	e, err := w.store.Erase(context.Background(), w.manifest, []store.Erasure{{Property: 1, ClientID: "anna", Before: 250},
		{Property: 2, ClientID: "berta", Before: 1000}})
	if err != nil || e == nil {
		t.Fatalf("erase: %v, %v", e, err)
	}
	if diff := cmp.Diff(map[event.PropertyID]int64{1: 2}, e.Events); diff != "" {
		t.Errorf("events erased (-want +got):\n%s", diff)
	}
	if got, want := e.Touched[1], [2]event.Time{firstDay, firstDay + 1}; got != want {
		t.Errorf("touched %v, want %v", got, want)
	}
	m := applied(w.manifest, &e.Change)
	m.Rollups = nil // they are made again from rows
	w.install(m)
	w.reopen()
	sn = w.snapshot()
	defer sn.Release()
	wantEvents := strings.Replace(was, "/of/anna : 6", "/of/anna : 3", 1)
	if got := mustRun(t, sn, byPath(store.Events)); got != wantEvents || got == was {
		t.Errorf("events: got\n%swant\n%s", got, wantEvents)
	}
	if got, want := mustRun(t, sn, byPath(store.Sessions)), "/of/anna : 1\n/of/berta : 1\n/of/carla : 1\n"; got != want {
		t.Errorf("sessions: got\n%swant\n%s", got, want)
	}
	again, err := w.store.Erase(context.Background(), w.manifest, []store.Erasure{{Property: 1, ClientID: "anna", Before: 250}})
	if err != nil || again != nil {
		t.Errorf("erasing again: %v, %v, want nothing to do", again, err)
	}
}

// testReplacingADayLeavesCellsOfTheNext: in a zone behind UTC the cells of a day carry
// an earlier time than the day begins at.
func testReplacingADayLeavesCellsOfTheNext(t *testing.T, open Opener) {
	w := newWorld(t, open)
	zone := localZone{name: "West", steps: store.Zone{{At: 0, Offset: -10 * int64(hourMicros)}}}
	days := zone.midnights()
	for i := range 3 {
		w.append(person(event.RowID(100*(i+1)), fmt.Sprint("c", i), "", days[i]+hourMicros))
	}
	w.checkpoint()
	w.finalize(map[event.PropertyID]event.Time{1: days[3]})
	w.rollUp(1, days[0], days[3], zone.name, zone.steps)
	c, err := w.store.ReplaceFinal(context.Background(), w.manifest, store.Replacement{Property: 1, From: days[1], To: days[2]})
	if err != nil {
		t.Fatal(err)
	}
	m := applied(w.manifest, c)
	m.Rollups = map[event.PropertyID][]store.RollupRange{1: store.WithoutRollups(m.Rollups[1], days[1], days[2])}
	w.install(m)
	sn := w.snapshot()
	defer sn.Release()
	p := byPath(store.Sessions)
	p.From, p.To, p.Zone, p.ZoneName = days[0], days[3], zone.steps, zone.name
	if got, want := mustRun(t, sn, p), "/of/c0 : 1\n/of/c2 : 1\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
