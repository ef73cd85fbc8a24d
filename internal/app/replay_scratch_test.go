// What a replay of a cluster reads of ClickHouse: enough to count the last final day as a server would.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/clickstore"
	"tidemark/internal/testkit/clickserver"
)

// visit is events of one session at some hours, counted from the beginning of 2026-03-01.
func visit(client int, hours ...int) *store.SharedBatch {
	begin := event.TimeOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	b := &store.SharedBatch{}
	at := func(i int) event.Time { return begin.Add(time.Duration(hours[i]) * time.Hour) }
	id := event.MakeRowID(1, event.Offset(1000*client))
	for i := range hours {
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: id + event.RowID(i), Part: id, Client: id, EventTime: at(i), IngestTime: at(i), Name: "page_view", Key: fmt.Sprint(i)})
	}
	b.Sessions = append(b.Sessions, store.SessionRow{Property: 1, Session: id, Revision: 1, Counted: true, Client: id, ClientID: fmt.Sprint("c", client),
		Start: at(0), End: at(len(hours) - 1), Closes: at(len(hours)-1) + 1})
	return b
}

// sharedRows is a store in which days before until are final.
func sharedRows(t *testing.T, until event.Time, batches ...*store.SharedBatch) *clickstore.Store {
	t.Helper()
	server, err := clickserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s, err := clickstore.Open(t.Context(), clickstore.Config{URL: server.URL(), Database: server.NewDatabase(t), User: clickserver.User,
		Password: clickserver.Password, Log: "log"}, clickstore.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i, b := range batches {
		id := store.BatchID{Log: "log", Partition: 1, Seq: uint64(i + 1)}
		if err := s.Insert(t.Context(), id, b); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), store.Progress{Partition: 1, Seq: id.Seq}); err != nil {
			t.Fatal(err)
		}
	}
	k, err := s.Keep(t.Context(), 1)
	if err == nil {
		err = k.Finalize(t.Context(), map[event.PropertyID]event.Time{1: until})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReplayOfAClusterReadsWhatIsYoungBehindFinalDays(t *testing.T) {
	first := event.TimeOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	until := first.Add(20 * 24 * time.Hour)
	last := 20 * 24
	click := sharedRows(t, until, visit(1, 5), visit(2, last-30, last-1), visit(3, last-1, last+1, last+2), visit(4, last+3), visit(5, last+10*24))
	read := func(from, to report.Day) (rows *scratch, events []string, clients []string) {
		t.Helper()
		r := &sharedReplay{click: click, dir: t.TempDir(), progress: func(string, float64) {}, serving: cli.Serving{Config: config.Default(), Logger: slog.New(slog.DiscardHandler)},
			order: replay.Order{Now: property.Property{ID: 1}, From: from, To: to}}
		rows, err := r.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = rows.Close() })
		a, err := rows.Archive(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
		if is, ok := a.FinalUntil(); !ok || is != until {
			t.Errorf("final until %v, want %v", is, until)
		}
		if at, found, err := a.Earliest(context.Background()); err != nil || !found || at != first.Add(5*time.Hour) {
			t.Errorf("earliest %v %v %v", at, found, err)
		}
		err = a.Events(t.Context(), store.ArchiveRange{SessionsFrom: first, Windows: []event.Time{first, first.Add(1000 * time.Hour)}}, func(_ int, e *store.ArchivedEvent) error {
			events = append(events, fmt.Sprint(e.ClientID, " ", int(time.Duration(e.EventTime-first)*time.Microsecond/time.Hour)-last))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = a.Clients(t.Context(), until, func(c *store.ArchivedClient) error { clients = append(clients, c.ClientID); return nil })
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(clients)
		return rows, events, clients
	}
	// All days: what is young comes with them, up to eight days behind the border.
	_, events, clients := read(report.Day{Year: 1970, Month: 1, Day: 1}, report.Day{Year: 2026, Month: 12, Day: 31})
	if want := []string{"c1 -475", "c2 -30", "c2 -1", "c3 -1", "c3 1", "c3 2", "c4 3"}; !slices.Equal(events, want) {
		t.Errorf("events of all days: %q, want %q", events, want)
	}
	if want := []string{"c1", "c2", "c3"}; !slices.Equal(clients, want) {
		t.Errorf("clients of final days: %q, want %q", clients, want)
	}
	// One day: events around it, and the past of all clients.
	_, events, clients = read(report.Day{Year: 2026, Month: 3, Day: 20}, report.Day{Year: 2026, Month: 3, Day: 20})
	if want := []string{"c2 -30", "c2 -1", "c3 -1", "c3 1", "c3 2", "c4 3"}; !slices.Equal(events, want) {
		t.Errorf("events of a day: %q, want %q", events, want)
	}
	if want := []string{"c1", "c2", "c3"}; !slices.Equal(clients, want) {
		t.Errorf("clients of a day: %q, want %q", clients, want)
	}
	// No young row is needed far from the border.
	if _, events, _ = read(report.Day{Year: 2026, Month: 3, Day: 1}, report.Day{Year: 2026, Month: 3, Day: 2}); !slices.Equal(events, []string{"c1 -475"}) {
		t.Errorf("events of the first day: %q", events)
	}
}
