// Replay: what the archive gives back of rows, and what takes their place.
package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// ShadowDir is the directory below a store's in which the suite opens another store
// whose segments ReplaceFinal takes over.
const ShadowDir = "shadow"

// stay is a session of two events on a day, a second apart, with their synthetic row.
func stay(p event.PropertyID, day int, id event.RowID, source string) *store.Batch {
	at := firstDay + event.Time(day)*dayMicros + hourMicros
	e := store.EventRow{Property: p, Row: id, Part: id, Client: id, EventTime: at, IngestTime: at + 5, Index: 1, Key: "b",
		Name: "page_view", Host: "h", Path: fmt.Sprint("/", day), Query: "q", Title: "t", Referrer: "r", Language: "en", Screen: "1x1",
		Country: "DE", Region: "R", City: "C", Category: "desktop", Browser: "B", OS: "O", OSMajor: "1", Source: source,
		Medium: "m", Campaign: "c", EngagementMS: 7, Active: true, PageView: true, KeyEvent: true, ValueMicros: 9, Currency: "EUR",
		MarkedKey: true, CountedBefore: true, Params: `{"p":1}`}
	tie := e // the same time and index: its key decides that it is earlier
	tie.Row, tie.Key, tie.MarkedKey, tie.UserID = id+1, "a", false, "u"
	first := e
	first.Sub, first.Name = 2, "first_visit"
	return &store.Batch{Events: []store.EventRow{e, first, tie}, Sessions: []store.SessionRow{{Property: p, Session: id, Revision: 1,
		Counted: true, Client: id, ClientID: fmt.Sprint("c", id), Start: at, End: at, Closes: at + hourMicros, Source: source, Medium: "m",
		Campaign: "c", FirstUserSource: source, FirstUserMedium: "m", FirstUserCampaign: "c", SessionID: "sid", OwnSource: true, Events: 2}}}
}

func (w *world) archive(p event.PropertyID) store.Archive {
	w.t.Helper()
	a, err := w.store.Archive(context.Background(), p)
	if err != nil {
		w.t.Fatalf("open archive: %v", err)
	}
	return a
}

// archived lists what the archive holds of two days.
func (w *world) archived(p event.PropertyID, sessionsFrom event.Time) []string {
	w.t.Helper()
	a := w.archive(p)
	defer a.Release()
	var out []string
	err := a.Events(context.Background(), store.ArchiveRange{SessionsFrom: sessionsFrom,
		Windows: []event.Time{firstDay, firstDay + dayMicros, firstDay + 2*dayMicros}}, func(window int, e *store.ArchivedEvent) error {
		out = append(out, fmt.Sprintf("%d: %d of %d, client %d %s, sid %s, source %s, first %v, user %q, marked %v, before %v", window, e.Row,
			e.Part, e.Client, e.ClientID, e.SessionID, e.Source, e.FirstVisit, e.UserID, e.MarkedKey, e.CountedBefore))
		return nil
	})
	if err != nil {
		w.t.Fatalf("read archive: %v", err)
	}
	return out
}

// testArchiveGivesBackWhatAFoldNeeds reads final and young rows alike.
func testArchiveGivesBackWhatAFoldNeeds(t *testing.T, open Opener) {
	w := newWorld(t, open)
	for day := range 2 {
		w.append(stay(1, day, event.RowID(100+10*day), "google"))
		w.append(stay(2, day, event.RowID(500+10*day), "other"))
	}
	w.checkpoint()
	young := w.archived(1, firstDay)
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + dayMicros})
	mixed := w.archived(1, firstDay)
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + 2*dayMicros})
	w.compact()
	w.reopen()
	final := w.archived(1, firstDay)
	want := []string{
		`0: 100 of 100, client 100 c100, sid sid, source google, first true, user "", marked true, before true`,
		`0: 101 of 100, client 100 c100, sid sid, source google, first false, user "u", marked false, before true`,
		`1: 110 of 110, client 110 c110, sid sid, source google, first true, user "", marked true, before true`,
		`1: 111 of 110, client 110 c110, sid sid, source google, first false, user "u", marked false, before true`,
	}
	for name, got := range map[string][]string{"young": young, "mixed": mixed, "final": final} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s rows (-want +got):\n%s", name, diff)
		}
	}
	if got := w.archived(1, firstDay+dayMicros); len(got) != 2 {
		t.Errorf("events of sessions from the second day on: got %q, want two", got)
	}
}

// testArchiveKeepsOrderAndClients: keys are ordered as they were, and a client's past
// is told from final sessions.
func testArchiveKeepsOrderAndClients(t *testing.T, open Opener) {
	w := newWorld(t, open)
	w.append(stay(1, 0, 100, "google"))
	w.append(stay(1, 1, 110, "bing"))
	w.checkpoint()
	w.finalize(map[event.PropertyID]event.Time{1: firstDay + 2*dayMicros})
	a := w.archive(1)
	defer a.Release()
	keys := map[event.RowID]string{}
	r := store.ArchiveRange{SessionsFrom: firstDay, Windows: []event.Time{firstDay, firstDay + dayMicros}}
	if err := a.Events(context.Background(), r, func(_ int, e *store.ArchivedEvent) error {
		keys[e.Row] = e.Key
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if keys[101] >= keys[100] {
		t.Errorf("keys are %v, want that of row 101 first, as it was", keys)
	}
	var clients []store.ArchivedClient
	if err := a.Clients(context.Background(), firstDay+dayMicros, func(c *store.ArchivedClient) error {
		clients = append(clients, *c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	google, at := store.Source{Source: "google", Medium: "m", Campaign: "c"}, firstDay+hourMicros
	want := []store.ArchivedClient{{Client: 100, ClientID: "c100", First: at, Sessions: 1, FirstSession: at, FirstSource: google,
		LastOwn: at, LastSource: google, HasOwn: true}}
	if diff := cmp.Diff(want, clients); diff != "" {
		t.Errorf("clients before the second day (-want +got):\n%s", diff)
	}
	if n, err := a.Count(context.Background(), r); err != nil || n != 2 {
		t.Errorf("Count = %d, %v, want 2", n, err)
	}
}

// testReplaceFinal: the days of one property are another store's; nothing else changes.
func testReplaceFinal(t *testing.T, open Opener) {
	w := newWorld(t, open)
	until := map[event.PropertyID]event.Time{}
	for p := event.PropertyID(1); p <= 2; p++ {
		for day := range 3 {
			w.append(stay(p, day, event.RowID(1000*int(p)+10*day), "google"))
		}
		until[p] = firstDay + 3*dayMicros
	}
	w.checkpoint()
	w.finalize(until)
	shadow := newWorldAt(t, open, filepath.Join(w.dir, ShadowDir))
	shadow.manifest.FinalUntil = map[event.PropertyID]event.Time{1: firstDay + dayMicros}
	shadow.install(shadow.manifest)
	for day := range 3 {
		shadow.append(stay(1, day, event.RowID(1000+10*day), "replayed"))
	}
	shadow.checkpoint()
	shadow.finalize(map[event.PropertyID]event.Time{1: firstDay + 2*dayMicros})
	r := store.Replacement{Property: 1, From: firstDay + dayMicros, To: firstDay + 2*dayMicros, Dir: shadow.dir}
	for _, seg := range shadow.manifest.Segments {
		if seg.Table == store.FinalEvents || seg.Table == store.FinalSessions {
			r.Segments = append(r.Segments, seg)
		}
	}
	before := w.answers()
	change, err := w.store.ReplaceFinal(context.Background(), w.manifest, r)
	if err != nil {
		t.Fatalf("replace final rows: %v", err)
	}
	if diff := cmp.Diff(before, w.answers()); diff != "" {
		t.Errorf("answers changed before the change was installed:\n%s", diff)
	}
	replaced := applied(w.manifest, change)
	replaced.DayVersion = map[event.PropertyID]uint64{1: 1}
	w.install(replaced)
	want := map[event.PropertyID]string{1: "/0 | google : 3\n/1 | replayed : 3\n/2 | google : 3\ngoogle : 2\nreplayed : 1\n",
		2: "/0 | google : 3\n/1 | google : 3\n/2 | google : 3\ngoogle : 3\n"}
	if diff := cmp.Diff(want, w.answers()); diff != "" {
		t.Errorf("after the replacement (-want +got):\n%s", diff)
	}
	w.reopen()
	w.compact()
	if diff := cmp.Diff(want, w.answers()); diff != "" {
		t.Errorf("after it was opened again (-want +got):\n%s", diff)
	}
	r.To = firstDay + 4*dayMicros
	if _, err := w.store.ReplaceFinal(context.Background(), w.manifest, r); err == nil {
		t.Error("days that are not final were replaced")
	}
}

// answers counts events by page and source, and sessions by source.
func (w *world) answers() map[event.PropertyID]string {
	w.t.Helper()
	sn := w.snapshot()
	defer sn.Release()
	out := map[event.PropertyID]string{}
	source := store.Dimension{Column: store.ColSource}
	for p := event.PropertyID(1); p <= 2; p++ {
		events, sessions := countEvents(), countSessions()
		events.Property, events.Dimensions = p, []store.Dimension{{Column: store.ColPath}, source}
		sessions.Property, sessions.Dimensions = p, []store.Dimension{source}
		out[p] = mustRun(w.t, sn, events) + mustRun(w.t, sn, sessions)
	}
	return out
}
