// Final rows: what young rows are once their days are final (S28), for the statement that writes them and for
// whoever wants them before.
package clickstore

import (
	"context"
	"fmt"
	"strings"

	"tidemark/internal/store"
)

// finalRows are the young rows of a span as final ones would be, as of a commit and of what is published.
type finalRows struct {
	s    *Store
	at   *state
	span *daySpan
	seen visible
}

// valued is a column with what it holds.
type valued struct{ name, value string }

// selecting renders what a statement selects of the columns of a final row, and of its day and partition.
type selecting func(columns []valued, day, partition string) []string

// inserted selects what is inserted under a run.
func inserted(run uint64) selecting {
	return func(columns []valued, day, partition string) []string {
		var out []string
		for _, c := range columns {
			out = append(out, c.value)
		}
		return append(out, day, fmt.Sprintf("toUInt64(%d)", run), partition)
	}
}

// exported selects what files have.
func exported(columns []valued, _, _ string) []string {
	var out []string
	for _, c := range columns {
		switch {
		case c.name == "property":
		case isTime(c.name):
			out = append(out, fmt.Sprintf("fromUnixTimestamp64Micro(%s, 'UTC') AS %s", c.value, c.name))
		default:
			out = append(out, fmt.Sprintf("(%s) AS %s", c.value, c.name))
		}
	}
	return out
}

// chunks returns the log partitions with rows of the span, as many together as one statement
// should join.
func (f *finalRows) chunks(ctx context.Context) ([]chunk, error) {
	rows := func(table, column string, margin int64) string {
		return fmt.Sprintf("SELECT batch_partition, count() AS n FROM %s WHERE property IN %s AND %s AND %s GROUP BY batch_partition", table,
			propertyList(f.span.properties), f.span.within("", column, margin), f.seen.condition(""))
	}
	return f.s.partitionsOf(ctx, rows(eventsTable, "event_time", 0)+" UNION ALL "+rows(sessionsTable, "start_time", startMargin))
}

// selection renders the SELECT of the rows of a table.
func (f *finalRows) selection(t store.Table, chunk []uint16, what selecting) (string, error) {
	if t == store.FinalSessions {
		return f.sessions(chunk, what)
	}
	return f.events(chunk, what)
}

func (f *finalRows) events(chunk []uint16, what selecting) (string, error) {
	sp, d := f.span, f.s.dialect
	first := d.events[store.ColFirstEvent]
	columns := []valued{{"property", "e.property"}, {"event_time", "e.event_time"}, {"row_id", "e.row_id"}, {"sub", "e.sub"}, {"session", sessionOf},
		{"counted", "s.known AND s.counted"}, {"first_event", first.expr}, {"session_user_id", "s.user_id"}}
	needs := append([]string{"counted", "user_id"}, first.needs...)
	for _, c := range eventFacts() {
		columns = append(columns, valued{c.name, "e." + c.name})
	}
	for _, c := range sessionTexts() {
		columns = append(columns, valued{c.name, throughSession(store.Column(c.name)).expr})
		needs = append(needs, c.name)
	}
	columns = append(columns, valued{"tie", "t.place"})
	earliest, latest := plus(sp.from, -joinMargin), plus(sp.to, startMargin)
	of := sp.of("", f.seen, chunk)
	return d.execute("final_events_of.sql", map[string]string{
		"Columns": strings.Join(what(columns, "e.day", "e.batch_partition"), ", "), "Needs": strings.Join(needs, ", "),
		"Aliases": fmt.Sprintf("%s AND %s AND part_time >= %s", of, days("", plus(earliest, -dayMicros), latest), micros(earliest)),
		"Revisions": fmt.Sprintf("%s AND (%s AND end_time >= %s OR tombstone AND day = %s)", of,
			days("", plus(sp.from, -sessionSpan-startMargin), latest), micros(earliest), sqlDay(tombstoneDay)),
		"Ties":   of + " AND sub = 0 AND " + sp.within("", "event_time", 0),
		"Events": sp.of("e.", f.seen, chunk) + " AND " + sp.within("e.", "event_time", 0) + f.at.withoutGone("e.", sp),
	})
}

func (f *finalRows) sessions(chunk []uint16, what selecting) (string, error) {
	sp := f.span
	var columns []valued
	for _, c := range finalSessionColumns() {
		columns = append(columns, valued{c.name, "s." + c.name})
	}
	revisions := func(alias string) string {
		return fmt.Sprintf("%s AND (%s OR %stombstone AND %sday = %s)", sp.of(alias, f.seen, chunk),
			days(alias, plus(sp.from, -startMargin), plus(sp.to, startMargin)), alias, alias, sqlDay(tombstoneDay))
	}
	return f.s.dialect.execute("final_sessions_of.sql", map[string]string{
		"Columns": strings.Join(what(columns, "s.day", "s.batch_partition"), ", "), "Revisions": revisions("s."), "Numbers": revisions(""),
		"Sessions": fmt.Sprintf("s.start_time >= %s AND s.start_time < %s", micros(sp.from), micros(sp.to)) + f.at.withoutGone("s.", sp),
	})
}

// withoutGone renders that a row is of nobody whose erasure has begun.
func (st *state) withoutGone(alias string, sp *daySpan) string {
	var pairs []string
	for _, p := range sp.properties {
		for _, c := range st.doc(p).goneNumbers() {
			pairs = append(pairs, fmt.Sprintf("(%d, %d)", uint64(p), uint64(c)))
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	return fmt.Sprintf(" AND (%sproperty, %sclient) NOT IN (%s)", alias, alias, strings.Join(pairs, ", "))
}
