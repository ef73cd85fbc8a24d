// A store whose final days were restored and whose log is folded again: rows of final days come as young ones once more.
package clickstore

import (
	"errors"
	"fmt"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// refolded has two restored days, and three that were folded again, behind batches of before.
func refolded(t *testing.T) (w *world, all []*store.SharedBatch) {
	t.Helper()
	from := newWorld(t)
	all = []*store.SharedBatch{visits(0, 1, 2), visits(1, 1, 3), visits(2, 2, 4)}
	for _, b := range all {
		b.Outcomes = map[event.PropertyID]ledger.Outcomes{1: {Stored: 2}}
		from.insert(b)
	}
	from.finalize(2)
	files := from.exported(1, 2*dayMicros)
	w = from.another()
	r := restoration(files, 9)
	r.Until = 2 * dayMicros
	w.must(restorer(w.keeper).Restore(t.Context(), r, anyLog))
	w.seq = 40
	w.must(w.s.Publish(t.Context(), store.Progress{Partition: 1, Seq: w.seq}))
	for _, b := range all {
		w.insert(b)
	}
	return w, all
}

// wantAnswers: each session has one event.
func (w *world) wantAnswers(when string, sessions, stored, erased int64) {
	w.t.Helper()
	rows, err := w.snapshot().Run(w.t.Context(), &store.Plan{Property: 1, Relation: store.Events, To: 1 << 60, Aggregates: []store.Aggregate{{Op: store.Count}}})
	w.must(err)
	if got := rows.Aggregates[0][0]; got != sessions {
		w.t.Errorf("%s: %d events, want %d", when, got, sessions)
	}
	if got := w.asks(w.snapshot()); got != fmt.Sprint(sessions) {
		w.t.Errorf("%s: %s sessions of events, want %d", when, got, sessions)
	}
	is, err := w.s.Outcomes(w.t.Context(), 1)
	if err != nil || is.Stored != stored || is.Erased != erased {
		w.t.Errorf("%s: %d stored, %d erased, want %d, %d, %v", when, is.Stored, is.Erased, stored, erased, err)
	}
}

func TestRowsOfRestoredDaysThatAreFoldedAgainAreInNoAnswer(t *testing.T) {
	w, _ := refolded(t)
	w.tells("young rows of final days", "SELECT count() FROM events WHERE event_time < "+fmt.Sprint(int64(2*dayMicros)), "4")
	w.wantAnswers("folded again", 6, 6, 0)
	w.finalize(3)
	w.tells("final rows", "SELECT count(), uniqExact(row_id) FROM final_events", "6\t6")
	w.wantAnswers("final again", 6, 6, 0)
	w.later += dayMicros
	w.tidy()
	w.tells("young rows when tidied up", "SELECT count() FROM events", "0")
	w.wantAnswers("tidied up", 6, 6, 0)
}

// The archive had rows of who was erased since, and the log has the erasure: it is carried out again, on both sides of the
// border, and counts each event once.
func TestAnErasureThatIsFoldedAgainTakesRestoredRows(t *testing.T) {
	w, _ := refolded(t)
	of := store.Erasure{Property: 1, ClientID: "c2", Before: 5000}
	w.insert(&store.SharedBatch{Erasures: []store.Erasure{of}})
	found, err := w.keeper.Erasures(t.Context())
	if err != nil || len(found) != 1 || found[0] != of {
		t.Fatalf("erasures %+v, %v", found, err)
	}
	_, err = w.keeper.Erase(t.Context(), found, 7, func(_ event.PropertyID, first, last event.Time) (event.Time, event.Time) { return first, last })
	w.must(err)
	w.wantAnswers("erased", 4, 4, 2) // one on a restored day, one on a young day
	for _, table := range []string{eventsTable, sessionsTable, finalEventsTable, finalSessionsTable} {
		w.tells("rows in "+table, "SELECT count() FROM "+table+" WHERE client = 2", "0")
	}
}

// A batch of before that comes late is not taken: a later one is published.
func TestALateBatchOfBeforeIsNotTaken(t *testing.T) {
	w, all := refolded(t)
	err := w.s.Insert(t.Context(), store.BatchID{Log: "suite-1", Partition: 1, Seq: 39}, all[2])
	err = errors.Join(err, w.s.Publish(t.Context(), store.Progress{Partition: 1, Seq: 39}))
	w.must(err)
	w.wantAnswers("a late batch", 6, 6, 0)
	w.tells("its rows", "SELECT count() FROM events WHERE batch_seq < 40", "0")
}
