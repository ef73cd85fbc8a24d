// Upkeep on the real engine: what a Keeper of before writes late, what is removed and when.
package clickstore

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// visits is a batch of one page view of each of some clients, with their sessions, on a day of property 1.
func visits(day int, clients ...int) *store.SharedBatch {
	b := &store.SharedBatch{}
	for _, c := range clients {
		at := event.Time(day)*dayMicros + event.Time(c)
		id := event.RowID(day*1000 + c)
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: id, Part: id, Client: event.RowID(c), EventTime: at, Path: fmt.Sprint("/", c)})
		b.Sessions = append(b.Sessions, store.SessionRow{Property: 1, Session: id, Revision: 1, Counted: true, Client: event.RowID(c),
			ClientID: fmt.Sprint("c", c), Start: at, End: at, Closes: at + hourMicros})
		b.Aliases = append(b.Aliases, store.AliasRow{Property: 1, Part: id, Session: id, Revision: 1, Time: at})
	}
	return b
}

// world is a store with a Keeper, and a clock for its grace.
type world struct {
	t      *testing.T
	l      *line
	s      *Store
	db     url.Values
	keeper store.Keeper
	seq    uint64
	later  time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	l := &line{server: startEngine(t)}
	cfg := configFor(l.server.NewDatabase(t))
	w := &world{t: t, l: l, s: open(t, cfg, l), db: url.Values{"database": {cfg.Database}}}
	w.s.now = func() time.Time { return time.Now().Add(w.later) }
	w.keeper = w.keep(1)
	return w
}

func (w *world) keep(term uint64) store.Keeper {
	w.t.Helper()
	k, err := w.s.Keep(w.t.Context(), term)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) insert(b *store.SharedBatch) {
	w.t.Helper()
	w.seq++
	w.must(w.s.Insert(w.t.Context(), store.BatchID{Log: "suite-1", Partition: 1, Seq: w.seq}, b))
	w.must(w.s.Publish(w.t.Context(), store.Progress{Partition: 1, Seq: w.seq}))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) finalize(days int) {
	w.t.Helper()
	w.must(w.keeper.Finalize(w.t.Context(), map[event.PropertyID]event.Time{1: event.Time(days) * dayMicros}))
}

// tidy tidies up, and once more when what it found has been needless for long enough.
func (w *world) tidy() {
	w.t.Helper()
	w.must(w.keeper.Tidy(w.t.Context()))
	w.later += w.s.cfg.Grace
	w.must(w.keeper.Tidy(w.t.Context()))
}

func (w *world) snapshot() store.Snapshot {
	w.t.Helper()
	sn, err := w.s.Snapshot(w.t.Context())
	w.must(err)
	return sn
}

// asks returns the sessions of events by path over all time.
func (w *world) asks(sn store.Snapshot) string {
	w.t.Helper()
	rows, err := sn.Run(w.t.Context(), &store.Plan{Property: 1, Relation: store.EventSessions, To: 1 << 60, Aggregates: []store.Aggregate{{Op: store.Count}}})
	w.must(err)
	return fmt.Sprint(rows.Aggregates[0][0])
}

func (w *world) tells(what, sql, want string) {
	w.t.Helper()
	if got := w.l.server.MustQuery(w.t, sql, w.db); got != want {
		w.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// TestU6_LateDocumentChangesNothing: a Keeper of before whose commit is on its way for long.
func TestU6_LateDocumentChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1, 2))
	first := w.keeper.(*keeper)
	w.finalize(1)
	before := w.snapshot()
	w.keeper = w.keep(2)
	after := w.snapshot()
	// It says that days of both properties, of which one has no document yet, are final, and names rows that are not there.
	until := event.Time(9 * dayMicros)
	late := map[event.PropertyID]*document{1: {FinalUntil: &until}, 2: {FinalUntil: &until}}
	first.own.n++
	w.must(first.write(t.Context(), first.own, late, 2))
	for name, sn := range map[string]store.Snapshot{"held since before": before, "held": after, "new": w.snapshot()} {
		if got := w.asks(sn); got != "2" {
			t.Errorf("%s: %s sessions, want 2", name, got)
		}
		if m := sn.Manifest(); m.FinalUntil[1] != dayMicros || m.FinalUntil[2] != 0 {
			t.Errorf("%s: final until %v", name, m.FinalUntil)
		}
	}
	if err := first.Finalize(t.Context(), nil); !errors.Is(err, store.ErrTermOver) {
		t.Errorf("the first Keeper: got %v, want %v", err, store.ErrTermOver)
	}
	w.finalize(2)
	if got := w.asks(w.snapshot()); got != "2" {
		t.Errorf("after the next day: %s sessions, want 2", got)
	}
}

func TestU5_CommitThatMayComeLaterIsNeverTheHighest(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1))
	k := w.keeper.(*keeper)
	lost := k.own
	lost.n++
	k.own, k.unsure = lost, true // a commit was sent, and nobody knows whether it came
	w.finalize(1)
	until := event.Time(9 * dayMicros)
	w.must(k.write(t.Context(), lost, map[event.PropertyID]*document{1: {FinalUntil: &until}}, 1))
	if m := w.snapshot().Manifest(); m.FinalUntil[1] != dayMicros {
		t.Errorf("final until %v, want a day", m.FinalUntil[1])
	}
}

func TestTidyRemovesWhatNoAnswerNeeds(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1, 2, 3))
	w.insert(&store.SharedBatch{Batch: store.Batch{Sessions: []store.SessionRow{{Property: 1, Session: 1003, Revision: 2, Tombstone: true}},
		Aliases: []store.AliasRow{{Property: 1, Part: 1003, Session: 1002, Revision: 2, Time: dayMicros + 3}}}})
	w.insert(visits(4, 1))
	w.insert(visits(20, 1))
	days := func(table string) string {
		return "SELECT arrayStringConcat(arraySort(groupUniqArray(toString(toInt32(day)))), ' ') FROM " + table
	}
	// A run that was never named.
	_, err := w.s.beginRun(t.Context(), []daySpan{{to: 30 * dayMicros, properties: []event.PropertyID{1}}})
	w.must(err)
	w.l.server.MustQuery(t, "INSERT INTO final_events (property, day, run) SELECT 1, toDate32('1970-01-03'), run FROM runs", w.db)
	w.finalize(10)
	held := w.snapshot()
	want := w.asks(held)
	w.must(w.keeper.Tidy(t.Context()))
	w.tells("young days before grace", days(eventsTable), "1 20 4")
	w.tidy()
	w.tells("young days", days(eventsTable), "20")
	// Sessions may have events for five days, and be told to start two days later.
	w.tells("days of sessions", days(sessionsTable), "20 4")
	w.tells("days of aliases", days(aliasesTable), "20 4")
	w.tells("runs", "SELECT uniqExact(run) FROM runs", "1")
	w.tells("rows of runs", "SELECT count() FROM final_events WHERE run NOT IN (SELECT run FROM runs)", "0")
	w.tells("tombstones", "SELECT count() FROM sessions WHERE tombstone", "0")
	if got := w.asks(w.snapshot()); got != want || got != "4" {
		t.Errorf("%s sessions, %s before, want 4", got, want)
	}
	if got := w.asks(held); got != want {
		t.Errorf("held since the last commit: %s sessions, want %s", got, want)
	}
	w.finalize(12)
	if _, err := held.Run(t.Context(), &store.Plan{Property: 1, To: 1 << 60}); !errors.Is(err, errHeldTooLong) {
		t.Errorf("held for longer than grace: got %v", err)
	}
	w.finalize(21)
	w.finalize(28)
	w.tidy()
	w.tells("young sessions when all is final", "SELECT count() FROM sessions", "0")
	if got := w.asks(w.snapshot()); got != "4" {
		t.Errorf("all final: %s sessions, want 4", got)
	}
}

func TestTidyForgetsReplacedDocuments(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1))
	for day := range cleanEvery + 5 {
		w.finalize(day + 1)
	}
	w.keeper.(*keeper).cleaned = 0
	w.tidy()
	w.tells("documents", "SELECT count() < 12 FROM documents", "1")
	w.s.known = nil
	if got := w.asks(w.snapshot()); got != "1" {
		t.Errorf("%s sessions, want 1", got)
	}
	w.keeper = w.keep(2)
	w.tidy()
	w.tells("documents of a Keeper of before", "SELECT count() FROM documents WHERE term = 1", "0")
	w.s.known = nil
	if m := w.snapshot().Manifest(); m.FinalUntil[1] != (cleanEvery+5)*dayMicros {
		t.Errorf("final until %v", m.FinalUntil[1])
	}
}

func TestDroppedRowsLeaveTheTables(t *testing.T) {
	w := newWorld(t)
	for day := 1; day <= 3; day++ {
		w.insert(visits(day, 1, 2))
	}
	w.finalize(3)
	span := store.RollupSpan{Property: 1, From: 0, To: 3 * dayMicros, Zone: store.Zone{{}}}
	w.must(w.keeper.RollUp(t.Context(), []store.RollupSpan{span}, map[event.PropertyID]store.RollupRange{1: {From: -1 << 63, To: span.To, Zone: "UTC"}}))
	span.To = 2 * dayMicros
	w.must(w.keeper.DropRows(t.Context(), []store.RollupSpan{span}))
	w.tells("before a snapshot can have gone", "SELECT count() FROM final_events WHERE day < '1970-01-03'", "2")
	w.tidy()
	for _, table := range []string{eventsTable, sessionsTable, finalEventsTable, finalSessionsTable} {
		w.tells(table, "SELECT count() FROM "+table+" WHERE day < '1970-01-03'", "0")
	}
	p := &store.Plan{Property: 1, To: 4 * dayMicros, Zone: span.Zone, ZoneName: "UTC", Aggregates: []store.Aggregate{{Op: store.Count}}}
	rows, err := w.snapshot().Run(t.Context(), p)
	w.must(err)
	if rows.Aggregates[0][0] != 6 || rows.Rollup == "" {
		t.Errorf("got %+v, want 6 events from cells", rows)
	}
}

func TestTablesOfVersion1AreBroughtToThisOne(t *testing.T) {
	l := &line{server: startEngine(t)}
	cfg := configFor(l.server.NewDatabase(t)).withDefaults()
	db := url.Values{"database": {cfg.Database}}
	for _, sql := range append(append(versionsStatements(cfg), statements(cfg, 1)...), "INSERT INTO schema_versions SELECT 1") {
		l.server.MustQuery(t, sql, db)
	}
	l.server.MustQuery(t, "INSERT INTO events (property, event_time, day, batch_log, batch_partition, batch_seq) SELECT 1, 5, toDate32('1970-01-01'), 'suite-1', 1, 1", db)
	l.server.MustQuery(t, "INSERT INTO progress (batch_log, batch_partition, seq) SELECT 'suite-1', 1, 1", db)
	s := open(t, cfg, l)
	k, err := s.Keep(t.Context(), 1)
	if err == nil {
		err = k.Finalize(t.Context(), map[event.PropertyID]event.Time{1: dayMicros})
	}
	if err != nil {
		t.Fatal(err)
	}
	sn, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := sn.Run(t.Context(), &store.Plan{Property: 1, To: dayMicros, Aggregates: []store.Aggregate{{Op: store.Count}}})
	if err != nil || rows.Aggregates[0][0] != 1 {
		t.Errorf("got %+v, %v, want one event", rows, err)
	}
	if text := l.server.MustQuery(t, "SHOW TABLES", db); !strings.Contains(text, documentsTable) {
		t.Errorf("tables: %s", text)
	}
}
