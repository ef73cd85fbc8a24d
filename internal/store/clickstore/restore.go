// Restore: files that an Export wrote become final rows again, under a run that no document names before all of
// it is there. The columns are those of export.go, and what files do not have is made of what they have.
package clickstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.Restorer = (*keeper)(nil)

// Restore implements store.Restorer.
func (k *keeper) Restore(ctx context.Context, r *store.Restoration, check func([]store.RowsFrom) error) error {
	if err := k.restore(ctx, r, check); err != nil {
		return fmt.Errorf("restore property %s: %w", r.Property, err)
	}
	return nil
}

func (k *keeper) restore(ctx context.Context, r *store.Restoration, check func([]store.RowsFrom) error) error {
	if err := k.ready(ctx); err != nil {
		return err
	}
	was := k.at.doc(r.Property)
	if was.FinalUntil != nil || len(was.Kept) > 0 {
		return fmt.Errorf("%w, until %v", store.ErrHasFinal, was.until())
	}
	// Files begin with 1970 (docs/format/archive.md).
	span := daySpan{from: 0, to: r.Until, properties: []event.PropertyID{r.Property}}
	run, err := k.s.beginRun(ctx, []daySpan{span})
	if err != nil {
		return err
	}
	want := map[store.Table]int64{}
	for i := range r.Files {
		f := &r.Files[i]
		if err := k.s.takeIn(ctx, r.Property, run, f); err != nil {
			return err
		}
		want[f.Table] += f.Rows
	}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		n, err := k.s.number(ctx, fmt.Sprintf("SELECT count() FROM %s WHERE %s", t, span.ofRun(run)))
		if err != nil {
			return fmt.Errorf("count rows of a run: %w", queryError(err))
		}
		if int64(n) != want[t] {
			return fmt.Errorf("%d rows of %s were sent and %d are there", want[t], t, n)
		}
	}
	from, err := k.rowsFrom(ctx, &span, run)
	if err == nil {
		err = check(from)
	}
	if err != nil {
		return err
	}
	found, err := k.s.rangesOf(ctx, run, []daySpan{span})
	if err != nil {
		return err
	}
	d := was.clone()
	d.FinalUntil, d.DayVersion = &r.Until, max(was.DayVersion, r.Version)
	if first, ok := found[r.Property]; ok {
		d.Finals = []store.FinalRange{{From: first, To: r.Until, Run: run, Edition: 1}}
	}
	return k.commit(ctx, map[event.PropertyID]*document{r.Property: d})
}

func (sp *daySpan) ofRun(run uint64) string {
	return fmt.Sprintf("property IN %s AND %s AND run = %d", propertyList(sp.properties), days("", sp.from, plus(sp.to, -1)), run)
}

// takeIn sends a file as it comes. The server holds it as a whole, since its directory is at its end.
func (s *Store) takeIn(ctx context.Context, p event.PropertyID, run uint64, f *store.RestoredFile) error {
	set := s.insertSettings()
	for name, v := range limited(keepTimeout) {
		set[name] = v
	}
	set["insert_deduplicate"] = "0"
	set["max_partitions_per_insert_block"] = "0"
	set["max_insert_block_size"], set["min_insert_block_size_rows"] = "1000000", "1000000"
	// A file without a column that we need is none of ours.
	set["input_format_parquet_allow_missing_columns"] = "0"
	out, in := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		err := f.Copy(ctx, in)
		in.CloseWithError(err) // nil is the end of the file
		copied <- err
	}()
	err := s.client.do(ctx, request{sql: restoreStatement(p, f.Table, run), stream: out, settings: set, timeout: keepTimeout}, nil)
	// A server that refuses does not read to the end.
	out.CloseWithError(errNotTaken)
	if copyErr := <-copied; err == nil || !errors.Is(copyErr, errNotTaken) {
		err = errors.Join(copyErr, err)
	}
	if err != nil {
		return fmt.Errorf("send a file of %s: %w", f.Table, err)
	}
	return nil
}

var errNotTaken = errors.New("clickhouse did not read the file to its end")

// restoreStatement renders the INSERT of a file.
func restoreStatement(p event.PropertyID, t store.Table, run uint64) string {
	var in, out []string
	for _, c := range finalColumns(t) {
		kind, _, _ := strings.Cut(c.sqlType, " CODEC")
		switch {
		case c.name == "property":
			out = append(out, propertyLiteral(p))
		case isTime(c.name):
			in = append(in, c.name+" DateTime64(6, 'UTC')")
			out = append(out, "toUnixTimestamp64Micro("+c.name+")")
		default:
			in, out = append(in, c.name+" "+kind), append(out, c.name)
		}
	}
	row := "row_id"
	if t == store.FinalSessions {
		row = "session"
	}
	out = append(out, "toDate32("+exportTime(t)+")", fmt.Sprintf("toUInt64(%d)", run), partitionOf(row))
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM input(%s) FORMAT Parquet", t, columnsOf(string(t)), strings.Join(out, ", "),
		quote(strings.Join(in, ", ")))
}

// partitionOf renders the log partition in the number of a row.
func partitionOf(column string) string {
	return fmt.Sprintf("toUInt16(intDiv(%s, %d))", column, uint64(event.MakeRowID(1, 0)))
}

// rowsFrom asks where the rows of a run came from.
func (k *keeper) rowsFrom(ctx context.Context, sp *daySpan, run uint64) ([]store.RowsFrom, error) {
	of := sp.ofRun(run)
	client := fmt.Sprintf("bitAnd(client, %d)", uint64(replayedClient-1))
	// 0 is the number of an event, too, but one that is larger than no other.
	numbers := func(t store.Table, column, row, ingest string) string {
		return fmt.Sprintf("SELECT %s AS n, %s AS r, %s AS i FROM %s WHERE %s", column, row, ingest, t, of)
	}
	sql := fmt.Sprintf("SELECT %s AS p, max(n), max(r), argMax(i, r)\nFROM (%s)\nGROUP BY p\nORDER BY p", partitionOf("n"),
		strings.Join([]string{
			numbers(store.FinalEvents, "row_id", "row_id", "ingest_time"), numbers(store.FinalEvents, client, "toUInt64(0)", "toInt64(0)"),
			numbers(store.FinalEvents, "session", "toUInt64(0)", "toInt64(0)"), numbers(store.FinalSessions, "session", "toUInt64(0)", "toInt64(0)"),
			numbers(store.FinalSessions, client, "toUInt64(0)", "toInt64(0)"),
		}, " UNION ALL "))
	var out []store.RowsFrom
	err := k.s.query(ctx, sql, func(d *decoder) {
		f := store.RowsFrom{Partition: event.Partition(d.uint16())}
		f.Next = event.RowID(d.uint64()).Offset() + 1
		if f.Row, f.Ingest = event.RowID(d.uint64()), event.Time(d.int64()); f.Row != 0 {
			f.Property = sp.properties[0]
		}
		out = append(out, f)
	})
	if err != nil {
		return nil, fmt.Errorf("ask for numbers of rows: %w", queryError(err))
	}
	return out, nil
}
