// Replaced days on the real engine: what was prepared and what becomes of it, and young rows as files of final ones.
package clickstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/testkit/parquetfile"
)

// replacing are the rows of other visits of the first day, which world exports.
func (w *world) replacing(clients ...int) *store.Replacing {
	w.t.Helper()
	other := w.another()
	other.insert(visits(1, clients...))
	other.finalize(2)
	m, err := w.s.Finals(w.t.Context())
	w.must(err)
	return &store.Replacing{Property: 1, From: dayMicros, To: 2 * dayMicros, Was: m, Files: restoration(other.exported(1, 2*dayMicros), 1).Files}
}

// TestPreparedRowsStayWhileSomebodyIsAtWork: a Keeper that tidies up removes what was prepared when nobody has said for long that it is
// needed, and such rows are not put in place.
func TestPreparedRowsStayWhileSomebodyIsAtWork(t *testing.T) {
	w := newWorld(t)
	for day := 1; day <= 3; day++ {
		w.insert(visits(day, 1, 2))
	}
	w.finalize(4)
	r := w.replacing(1, 2, 3, 4)
	rows := func(p *store.Prepared) string {
		runs := slices.Sorted(maps.Keys(p.Rows))
		return w.l.server.MustQuery(t, "SELECT count() FROM final_events WHERE run IN "+numbers(runs), w.db)
	}
	prepare := func() *store.Prepared {
		t.Helper()
		p, err := w.s.Prepare(t.Context(), r)
		w.must(err)
		return p
	}
	// Who is at work says so again and again, and the Keeper's memory of the run begins anew each time.
	p := prepare()
	for range 4 {
		w.must(w.keeper.Tidy(t.Context()))
		w.later += w.s.cfg.Grace / 2
		for _, of := range p.Ranges {
			w.must(w.s.noteRun(t.Context(), of.Run, of.From, of.To))
		}
	}
	w.must(w.keeper.Tidy(t.Context()))
	if got := rows(p); got != "8" { // the day's, and those of two days beside it
		t.Fatalf("%s prepared rows are left, want 8", got)
	}
	if err := w.keeper.(store.ReplacingKeeper).ReplaceFinal(t.Context(), p, 5); !errors.Is(err, store.ErrUnprepared) {
		t.Errorf("rows of long ago: %v", err)
	}
	w.tidy()
	if got := rows(p); got != "0" {
		t.Errorf("%s prepared rows are left that nobody needs", got)
	}
	p.Noted = event.TimeOf(w.s.now())
	if err := w.keeper.(store.ReplacingKeeper).ReplaceFinal(t.Context(), p, 5); !errors.Is(err, store.ErrUnprepared) {
		t.Errorf("rows that are not there: %v", err)
	}
	if got := w.asks(w.snapshot()); got != "6" {
		t.Errorf("%s sessions, want the 6 of before", got)
	}
	p = prepare()
	w.must(w.keeper.(store.ReplacingKeeper).ReplaceFinal(t.Context(), p, 5))
	w.tidy()
	if got := w.asks(w.snapshot()); got != "8" {
		t.Errorf("%s sessions, want 8", got)
	}
	w.tells("rows of replaced runs", "SELECT count() FROM final_events", "8")
}

// TestFilesOfAReplacementAreCounted: what came in part, or not as it was said, is in no answer.
func TestFilesOfAReplacementAreCounted(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1, 2))
	w.finalize(4)
	short, damaged := w.replacing(1, 2, 3), w.replacing(1, 2, 3)
	short.Files[0].Rows++
	gone := errors.New("the disk is damaged")
	damaged.Files[1].Copy = func(context.Context, io.Writer) error { return gone }
	if _, err := w.s.Prepare(t.Context(), short); err == nil {
		t.Error("fewer rows than a file says were prepared")
	}
	if _, err := w.s.Prepare(t.Context(), damaged); !errors.Is(err, gone) {
		t.Errorf("a damaged file: got %v, want %v", err, gone)
	}
	if got := w.asks(w.snapshot()); got != "2" {
		t.Errorf("%s sessions, want 2", got)
	}
}

// TestYoungRowsAreExportedAsFinalOnes: days have the rows that they have when they are final.
func TestYoungRowsAreExportedAsFinalOnes(t *testing.T) {
	w := newWorld(t)
	w.insert(visits(1, 1, 2))
	w.finalize(2)
	over := visits(2, 3, 4)
	// Another event of the first session, a part that was joined to it, and a visit behind the days that are asked for.
	late := over.Events[0]
	late.Row, late.EventTime, late.Path, late.Part = 2500, 3*dayMicros+7, "/late", 2500
	over.Events = append(over.Events, late)
	over.Sessions[0].End, over.Sessions[0].Source = late.EventTime, "there"
	over.Aliases = append(over.Aliases, store.AliasRow{Property: 1, Part: 2500, Session: over.Sessions[0].Session, Revision: 1, Time: late.EventTime})
	w.insert(over)
	w.insert(visits(5, 5))
	e, err := w.s.Export(t.Context(), 1)
	w.must(err)
	defer e.Release()
	young := map[store.Table][]byte{}
	for _, table := range []store.Table{store.FinalEvents, store.FinalSessions} {
		files, err := e.(store.YoungExport).WriteYoung(t.Context(), table, 2*dayMicros, 5*dayMicros)
		w.must(err)
		rows := 0
		for i, f := range files {
			text, err := io.ReadAll(f)
			w.must(errors.Join(err, f.Close()))
			file, err := parquetfile.Read(text)
			w.must(err)
			if rows += int(file.Rows); i == 1 { // that of the third day
				young[table] = text
			}
		}
		if want := map[store.Table]int{store.FinalEvents: 3, store.FinalSessions: 2}[table]; rows != want || len(files) < 2 {
			t.Fatalf("%d rows of %s in %d files, want %d", rows, table, len(files), want)
		}
	}
	if _, err := e.(store.YoungExport).WriteYoung(t.Context(), store.FinalEvents, dayMicros, 3*dayMicros); err == nil {
		t.Error("a final day was exported as a young one")
	}
	w.finalize(5)
	e, err = w.s.Export(t.Context(), 1)
	w.must(err)
	defer e.Release()
	f, err := e.Write(t.Context(), store.FinalEvents, 3*dayMicros, 5*dayMicros)
	w.must(err)
	text, err := io.ReadAll(f)
	w.must(errors.Join(err, f.Close()))
	if got, want := w.rowsOfFile(young[store.FinalEvents]), w.rowsOfFile(text); got != want || !strings.Contains(got, "there") {
		t.Errorf("young rows as final ones:\n%s\nfinal:\n%s", got, want)
	}
}

// rowsOfFile are the rows of a file as text.
func (w *world) rowsOfFile(text []byte) string {
	w.t.Helper()
	f, err := parquetfile.Read(text)
	w.must(err)
	out := ""
	for _, c := range f.Columns {
		out += fmt.Sprintln(c.Name, c.Values)
	}
	return out
}
