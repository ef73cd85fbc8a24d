// What was exported comes back: once, whatever fails on the way and whoever tries again, and where no final day is.
package clickstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/parquetfile"
)

// written are files that duckstore exported.
const written = "../duckstore/testdata/archive/v1"

func goldenFiles(t *testing.T) map[store.Table][]byte {
	t.Helper()
	out := map[store.Table][]byte{}
	for _, table := range []store.Table{store.FinalEvents, store.FinalSessions} {
		text, err := os.ReadFile(filepath.Join(written, string(table)+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		out[table] = text
	}
	return out
}

func restorer(k store.Keeper) store.Restorer { return k.(store.Restorer) }

func anyLog([]store.RowsFrom) error { return nil }

// restoration puts files back as the first day of property 1.
func restoration(files map[store.Table][]byte, version uint64) *store.Restoration {
	r := &store.Restoration{Property: 1, Until: aDay, Version: version}
	for _, table := range []store.Table{store.FinalEvents, store.FinalSessions} {
		text := files[table]
		if text == nil {
			continue
		}
		f, err := parquetfile.Read(text)
		if err != nil {
			panic(err)
		}
		r.Files = append(r.Files, store.RestoredFile{Table: table, Rows: int64(f.Rows), Copy: func(_ context.Context, to io.Writer) error {
			_, err := to.Write(text)
			return err
		}})
	}
	return r
}

// exported are the files of what is final of a property.
func (w *world) exported(p event.PropertyID, until event.Time) map[store.Table][]byte {
	w.t.Helper()
	e, err := w.s.Export(w.t.Context(), p)
	w.must(err)
	defer e.Release()
	out := map[store.Table][]byte{}
	for _, table := range []store.Table{store.FinalEvents, store.FinalSessions} {
		f, err := e.Write(w.t.Context(), table, 0, until)
		w.must(err)
		if f == nil {
			continue
		}
		out[table], err = io.ReadAll(f)
		w.must(errors.Join(err, f.Close()))
	}
	return out
}

// rowsOf are the rows that count, as text: those that a document names a run of.
func (w *world) rowsOf(files map[store.Table][]byte) string {
	w.t.Helper()
	out := ""
	for _, table := range []store.Table{store.FinalEvents, store.FinalSessions} {
		f, err := parquetfile.Read(files[table])
		w.must(err)
		for _, c := range f.Columns {
			out += fmt.Sprintln(table, c.Name, c.Values)
		}
	}
	return out
}

// another world has an empty database of the same engine.
func (w *world) another() *world {
	w.t.Helper()
	l := &line{server: w.l.server}
	o := &world{t: w.t, l: l, s: open(w.t, configFor(l.server.NewDatabase(w.t)), l)}
	o.s.now = func() time.Time { return time.Now().Add(o.later) }
	o.db = map[string][]string{"database": {o.s.cfg.Database}}
	o.keeper = o.keep(1)
	return o
}

// TestU5U6_RestoreCountsOnceWhateverFails has each request fail once, in each way, and the same Keeper or a later one go on: each time
// for another property of one store.
func TestU5U6_RestoreCountsOnceWhateverFails(t *testing.T) {
	files := goldenFiles(t)
	w, last := newWorld(t), event.PropertyID(1)
	w.must(restorer(w.keeper).Restore(t.Context(), restoration(files, 3), anyLog))
	want := w.rowsOf(w.exported(last, aDay))
	for _, fault := range []storetest.Fault{storetest.FailBefore, storetest.Cut, storetest.FailAfter} {
		for n, isThrough := 1, false; !isThrough; n++ {
			last++
			isThrough = w.restoreOnceMore(last, files, fault, n)
			if got := w.rowsOf(w.exported(last, aDay)); got != want {
				t.Errorf("fault %d of request %d: other rows:\n%s\nwant\n%s", fault, n, got, want)
			}
		}
	}
	w.tidy()
	w.tells("rows when what failed is tidied up", "SELECT count() FROM final_events WHERE run NOT IN (SELECT run FROM runs)", "0")
	w.tells("runs", "SELECT uniqExact(run) FROM runs", fmt.Sprint(uint64(last)))
	for p := event.PropertyID(1); p <= last; p++ {
		if got := w.rowsOf(w.exported(p, aDay)); got != want {
			t.Errorf("other rows of property %s when tidied up:\n%s\nwant\n%s", p, got, want)
		}
	}
}

// restoreOnceMore has the n-th request fail, and tries again; true if there was none.
func (w *world) restoreOnceMore(p event.PropertyID, files map[store.Table][]byte, fault storetest.Fault, n int) (isThrough bool) {
	w.t.Helper()
	r := restoration(files, 3)
	r.Property = p
	faults := &storetest.Faults{}
	w.l.faults = faults
	faults.Arm(n, func() storetest.Fault { return fault })
	err := restorer(w.keeper).Restore(w.t.Context(), r, anyLog)
	isThrough = faults.Armed()
	w.l.faults = nil
	if m, finalsErr := w.s.Finals(w.t.Context()); finalsErr != nil || err == nil && m.FinalUntil[p] != aDay {
		w.t.Fatalf("fault %d of request %d: acknowledged, and final until %v, %v", fault, n, m.FinalUntil[p], finalsErr)
	}
	if isThrough {
		w.must(err)
	}
	if n%2 == 0 {
		w.keeper = w.keep(uint64(p)) // terms grow
	}
	// What failed may have come through: its answer was lost.
	err = restorer(w.keeper).Restore(w.t.Context(), r, anyLog)
	if err != nil && !errors.Is(err, store.ErrHasFinal) || err == nil && isThrough {
		w.t.Fatalf("fault %d of request %d: tried again: %v", fault, n, err)
	}
	return isThrough
}

// A Keeper whose term ended while it restored changes nothing, however far it was.
func TestU6_RestoreOfATermThatEndedIsInNoAnswer(t *testing.T) {
	w := newWorld(t)
	first := w.keeper
	var later store.Keeper
	err := restorer(first).Restore(t.Context(), restoration(goldenFiles(t), 3), func([]store.RowsFrom) error {
		later = w.keep(2)
		return nil
	})
	if !errors.Is(err, store.ErrTermOver) {
		t.Errorf("got %v, want %v", err, store.ErrTermOver)
	}
	if m := w.snapshot().Manifest(); len(m.FinalUntil) > 0 {
		t.Errorf("final until %v, want none", m.FinalUntil)
	}
	w.keeper = later
	w.tidy()
	w.tells("rows of a run that nobody named", "SELECT count() FROM final_events", "0")
}

func TestRestoreRefusesWhatItCannotKeepApart(t *testing.T) {
	w := newWorld(t)
	files := goldenFiles(t)
	short, damaged := restoration(files, 3), restoration(files, 3)
	short.Files[0].Rows++
	gone := errors.New("the object is damaged")
	whole := damaged.Files[1].Copy
	damaged.Files[1].Copy = func(ctx context.Context, to io.Writer) error { return errors.Join(whole(ctx, to), gone) }
	if err := restorer(w.keeper).Restore(t.Context(), short, anyLog); err == nil {
		t.Error("fewer rows than the archive says were restored")
	}
	if err := restorer(w.keeper).Restore(t.Context(), damaged, anyLog); !errors.Is(err, gone) {
		t.Errorf("a damaged file: got %v, want %v", err, gone)
	}
	other := restoration(map[store.Table][]byte{store.FinalSessions: files[store.FinalEvents]}, 3)
	if err := restorer(w.keeper).Restore(t.Context(), other, anyLog); err == nil {
		t.Error("events were restored as sessions")
	}
	if m := w.snapshot().Manifest(); len(m.FinalUntil) > 0 {
		t.Fatalf("final until %v after refusals", m.FinalUntil)
	}
	w.must(restorer(w.keeper).Restore(t.Context(), restoration(files, 3), anyLog))
	if err := restorer(w.keeper).Restore(t.Context(), restoration(files, 4), anyLog); !errors.Is(err, store.ErrHasFinal) {
		t.Errorf("days that are there: got %v, want %v", err, store.ErrHasFinal)
	}
}

// toPartition gives all rows of a batch numbers of another log partition.
func toPartition(b *store.SharedBatch, p event.Partition) {
	base := event.MakeRowID(p, 0)
	for i := range b.Events {
		e := &b.Events[i]
		e.Row, e.Part, e.Client, e.IngestTime = e.Row+base, e.Part+base, e.Client+base, 77
	}
	for i := range b.Sessions {
		b.Sessions[i].Session += base
		b.Sessions[i].Client += base
	}
	for i := range b.Aliases {
		b.Aliases[i].Part += base
		b.Aliases[i].Session += base
	}
}

// A session over the border has rows on both sides: final ones of the archive, and those of the log that is folded again.
func TestRestoredSessionOverTheBorderCountsOnce(t *testing.T) {
	from := newWorld(t)
	over := visits(1, 1, 2)
	late := over.Events[0]
	late.Row, late.EventTime, late.Path = 1500, 2*dayMicros+5, "/late"
	over.Events = append(over.Events, late)
	over.Sessions[0].End = late.EventTime
	toPartition(over, 3)
	from.insert(over)
	from.insert(visits(2, 3))
	want := from.asks(from.snapshot())
	from.finalize(2)
	if got := from.asks(from.snapshot()); got != want || want != "3" {
		t.Fatalf("%s sessions before, %s after the day is final, want 3", want, got)
	}
	files := from.exported(1, 2*dayMicros)
	for name, restoreFirst := range map[string]bool{"the log is folded afterwards": true, "the log was folded before": false} {
		t.Run(name, func(t *testing.T) {
			w := from.another()
			w.t = t
			r := restoration(files, 9)
			r.Until = 2 * dayMicros
			var told []store.RowsFrom
			restore := func() {
				w.must(restorer(w.keeper).Restore(t.Context(), r, func(f []store.RowsFrom) error { told = f; return nil }))
			}
			if restoreFirst {
				restore()
			}
			w.insert(over)
			w.insert(visits(2, 3))
			if !restoreFirst {
				restore()
			}
			if got := w.asks(w.snapshot()); got != want {
				t.Errorf("%s sessions, want %s", got, want)
			}
			if m := w.snapshot().Manifest(); m.FinalUntil[1] != 2*dayMicros || m.DayVersion[1] != 9 {
				t.Errorf("final until %v, version %d", m.FinalUntil[1], m.DayVersion[1])
			}
			if len(told) != 1 || told[0].Partition != 3 || told[0].Next != 1003 || told[0].Row.Offset() != 1002 || told[0].Property != 1 ||
				told[0].Ingest != 77 {
				t.Errorf("rows came from %+v", told)
			}
			for _, table := range []string{finalEventsTable, finalSessionsTable} {
				w.tells("partitions of "+table, "SELECT groupUniqArray(batch_partition) FROM "+table, "[3]")
			}
		})
	}
}

// A replay gives a client whose verdict it changed a number with a mark in it, which names no partition.
func TestRestoredClientThatAReplayMadeIsOfItsPartition(t *testing.T) {
	from := newWorld(t)
	b := visits(1, 1)
	toPartition(b, 3)
	b.Events[0].Client |= replayedClient
	b.Sessions[0].Client = b.Events[0].Client
	from.insert(b)
	from.finalize(2)
	w := from.another()
	r := restoration(from.exported(1, 2*dayMicros), 9)
	r.Until = 2 * dayMicros
	var told []store.RowsFrom
	w.must(restorer(w.keeper).Restore(t.Context(), r, func(f []store.RowsFrom) error { told = f; return nil }))
	if len(told) != 1 || told[0].Partition != 3 || told[0].Next != 1002 {
		t.Errorf("rows came from %+v, want partition 3 up to 1002", told)
	}
}
