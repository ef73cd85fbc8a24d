// Export: final rows as Parquet files for other programs, and back. The columns are those that
// duckstore writes; the servers write them into the answer, and it is in a file here before anybody uses it.
package clickstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var (
	_ store.Exporter    = (*Store)(nil)
	_ store.YoungExport = (*export)(nil)
)

// export is what was committed when it began.
type export struct {
	*snapshot
	property event.PropertyID
	doc      *document
}

// Finals returns what upkeep has committed.
func (s *Store) Finals(ctx context.Context) (store.Manifest, error) {
	if err := s.check(); err != nil {
		return store.Manifest{}, err
	}
	st, err := s.current(ctx)
	if err != nil {
		return store.Manifest{}, fmt.Errorf("ask for final days: %w", err)
	}
	return st.manifestCopy(), nil
}

// Export implements store.Exporter.
func (s *Store) Export(ctx context.Context, p event.PropertyID) (store.Export, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	sn := &snapshot{s: s, began: time.Now()}
	var err error
	if sn.state, err = s.current(ctx); err != nil {
		return nil, fmt.Errorf("pin final rows of property %s: %w", p, err)
	}
	return &export{sn, p, sn.state.doc(p)}, nil
}

// State implements store.Export.
func (e *export) State() (store.FinalState, bool) {
	m := e.Manifest()
	return m.StateOf(e.property)
}

func exportTime(t store.Table) string {
	if t == store.FinalSessions {
		return "start_time"
	}
	return "event_time"
}

// rows renders the condition on rows in [from, to); false if no run has any. Each range of final days is of
// one run, and rows of others in it do not count.
func (e *export) rows(t store.Table, from, to event.Time) (string, bool) {
	var parts []string
	for _, r := range e.doc.Finals {
		if lo, hi := max(from, r.From), min(to, r.To); lo < hi {
			parts = append(parts, fmt.Sprintf("%[1]s >= %[2]s AND %[1]s < %[3]s AND run = %[4]d", exportTime(t), micros(lo), micros(hi), r.Run))
		}
	}
	if len(parts) == 0 {
		return "", false
	}
	where := fmt.Sprintf("property = %s AND (%s)", propertyLiteral(e.property), strings.Join(parts, " OR "))
	if gone := e.doc.goneNumbers(); len(gone) > 0 {
		numbers := make([]string, len(gone))
		for i, n := range gone {
			numbers[i] = fmt.Sprint(uint64(n))
		}
		where += " AND client NOT IN (" + strings.Join(numbers, ", ") + ")"
	}
	return where, true
}

// FirstRow implements store.Export.
func (e *export) FirstRow(ctx context.Context, from event.Time) (first event.Time, found bool, err error) {
	for _, r := range e.doc.Finals { // in order of time
		if r.To <= from {
			continue
		}
		for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
			where, _ := e.rows(t, max(from, r.From), r.To)
			sql := fmt.Sprintf("SELECT count(), min(%[1]s)\nFROM %[2]s\nWHERE %[3]s", exportTime(t), t, where)
			err := e.ask(ctx, sql, func(d *decoder) {
				if n, at := d.uint64(), event.Time(d.int64()); n > 0 && (!found || at < first) {
					first, found = at, true
				}
			})
			if err != nil {
				return 0, false, fmt.Errorf("find first final row: %w", err)
			}
		}
		if found {
			break
		}
	}
	return first, found, nil
}

// Count implements store.Export.
func (e *export) Count(ctx context.Context, t store.Table, from, to event.Time) (n int64, err error) {
	where, any := e.rows(t, from, to)
	if !any {
		return 0, nil
	}
	err = e.ask(ctx, fmt.Sprintf("SELECT count()\nFROM %s\nWHERE %s", t, where), func(d *decoder) { n = int64(d.uint64()) })
	if err != nil {
		return 0, fmt.Errorf("count final rows: %w", err)
	}
	return n, nil
}

func (e *export) ask(ctx context.Context, sql string, row func(*decoder)) error {
	if err := e.checkAge(ctx); err != nil {
		return err
	}
	if err := e.s.query(ctx, sql, row); err != nil {
		return queryError(err)
	}
	return e.checkAge(ctx)
}

// Write implements store.Export. The server answers when it has all of the file, so that what comes is whole.
func (e *export) Write(ctx context.Context, t store.Table, from, to event.Time) (_ *os.File, err error) {
	where, any := e.rows(t, from, to)
	if !any {
		return nil, nil
	}
	n, err := e.Count(ctx, t, from, to)
	if err != nil || n == 0 {
		return nil, err
	}
	return e.writeFile(ctx, t, fmt.Sprintf("SELECT %s\nFROM %s\nWHERE %s", strings.Join(exportColumns(t), ", "), t, where))
}

// WriteYoung implements store.YoungExport: a day and some log partitions at a time, as days become final.
func (e *export) WriteYoung(ctx context.Context, t store.Table, from, to event.Time) (out []*os.File, err error) {
	defer func() {
		if err != nil {
			for _, f := range out {
				err = errors.Join(err, f.Close())
			}
			out = nil
		}
	}()
	if from < e.doc.until() {
		return nil, fmt.Errorf("export young %s: days from %v on are final", t, from)
	}
	// Read behind the commit: what is not final in it is there (T1).
	seen, err := e.s.visible(ctx)
	if err != nil {
		return nil, fmt.Errorf("export young %s: %w", t, err)
	}
	for ; from < to; from = plus(from, dayMicros) {
		span := &daySpan{from: from, to: min(to, plus(from, dayMicros)), properties: []event.PropertyID{e.property}}
		rows := &finalRows{s: e.s, at: e.state, span: span, seen: seen}
		chunks, err := rows.chunks(ctx)
		if err != nil {
			return out, fmt.Errorf("export young %s: %w", t, err)
		}
		for _, c := range chunks {
			sql, err := rows.selection(t, c.partitions, exported)
			if err != nil {
				return out, err
			}
			f, err := e.writeFile(ctx, t, "SELECT *\nFROM (\n"+sql+")")
			if err != nil {
				return out, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// writeFile writes what a statement selects in the order of files.
func (e *export) writeFile(ctx context.Context, t store.Table, sql string) (_ *os.File, err error) {
	if err := e.checkAge(ctx); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "tidemark-archive-")
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", t, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("export %s: %w", t, err), f.Close())
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	order := "event_time, row_id, sub"
	if t == store.FinalSessions {
		order = "start_time, session"
	}
	set := e.s.querySettings()
	set["max_execution_time"] = fmt.Sprint(int(keepTimeout.Seconds()))
	for name, v := range map[string]string{
		// Conditions are on columns, not on what the answer calls by their names.
		"prefer_column_name_to_alias":              "1",
		"output_format_parquet_compression_method": "zstd",
		"output_format_parquet_string_as_string":   "1",
		"output_format_parquet_row_group_size":     "61440",
	} {
		set[name] = v
	}
	sql += "\nORDER BY " + order + "\nFORMAT Parquet"
	err = e.s.client.do(ctx, request{sql: sql, settings: set, timeout: keepTimeout}, func(in *bufio.Reader) error {
		_, err := io.Copy(f, in)
		return err
	})
	if err != nil {
		return nil, queryError(err)
	}
	if err := e.checkAge(ctx); err != nil {
		return nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// isTime names TIMESTAMP columns in files.
func isTime(column string) bool {
	return slices.Contains([]string{"event_time", "ingest_time", "start_time", "end_time"}, column)
}

func finalColumns(t store.Table) []column {
	if t == store.FinalSessions {
		return finalSessionColumns()
	}
	return finalEventColumns()
}

// exportColumns renders what is written of a table: its columns but the property, which the file's place tells.
func exportColumns(t store.Table) []string {
	var out []string
	for _, c := range finalColumns(t) {
		switch {
		case c.name == "property":
		case isTime(c.name):
			out = append(out, fmt.Sprintf("fromUnixTimestamp64Micro(%[1]s, 'UTC') AS %[1]s", c.name))
		default:
			out = append(out, c.name)
		}
	}
	return out
}
