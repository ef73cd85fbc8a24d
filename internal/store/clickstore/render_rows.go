// Rows of a relation: which ones a plan reads, and how far it has to look.
package clickstore

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const (
	// sessionSpan bounds how far an event may lie behind its session's start: a session's
	// events end at most three local days after the day of its start (S12), so five days are
	// never too few.
	sessionSpan = 5 * dayMicros
	// joinMargin is how long before a range a session or part may have been told to end and
	// still hold an event of the range. A session's last revision ends with its last event; an
	// alias is not told again while its part grows, and a part lies within one local day,
	// which has at most 25 hours.
	joinMargin = 26 * hourMicros
	// startMargin is how far the starts of two revisions of a session may lie apart: a
	// session is named by its first part, and starts within that part's local day.
	startMargin = 2 * dayMicros
)

// plus returns t + d, without overflow.
func plus(t event.Time, d int64) event.Time {
	switch {
	case d < 0 && int64(t) < math.MinInt64-d:
		return math.MinInt64
	case d > 0 && int64(t) > math.MaxInt64-d:
		return math.MaxInt64
	}
	return t + event.Time(d)
}

// days renders that a row lies in a partition of [from, to].
func days(alias string, from, to event.Time) string {
	return fmt.Sprintf("%sday >= %s AND %sday <= %s", alias, sqlDay(dayOf(from)), alias, sqlDay(dayOf(to)))
}

// eventRows renders which events the plan reads.
func (r *renderer) eventRows() string {
	rows := fmt.Sprintf("e.property = %s AND %s AND e.event_time >= %s AND e.event_time < %s AND %s",
		propertyLiteral(r.p.Property), days("e.", r.from, plus(r.to, -1)), micros(r.from), micros(r.to), r.counts("e."))
	rows += within("e.event_time", r.pieces) + r.withoutGone("e.")
	if !r.p.AllVerdicts {
		rows += " AND e.verdict = ''"
	}
	return rows
}

// counts renders that a row counts: of young ones those of published batches, of final ones
// those of runs that the document names.
func (r *renderer) counts(alias string) string {
	if r.isFinal {
		return alias + "run IN " + numbers(r.v.doc.runs(r.from, r.to))
	}
	return r.v.seen.condition(alias)
}

// numbers renders a list to compare with.
func numbers[T ~uint64](list []T) string {
	if len(list) == 0 {
		return "(SELECT toUInt64(0) WHERE false)"
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.FormatUint(uint64(n), 10)
	}
	return "(" + strings.Join(texts, ", ") + ")"
}

// within renders that a time lies in one of pieces, if there are any.
func within(column string, pieces []store.TimeSpan) string {
	if len(pieces) == 0 {
		return ""
	}
	texts := make([]string, len(pieces))
	for i, piece := range pieces {
		texts[i] = fmt.Sprintf("%s >= %s AND %s < %s", column, micros(piece.From), column, micros(piece.To))
	}
	return " AND (" + strings.Join(texts, " OR ") + ")"
}

// withoutGone renders that a row is of nobody whose erasure has begun.
func (r *renderer) withoutGone(alias string) string {
	gone := r.v.doc.goneNumbers()
	if len(gone) == 0 {
		return ""
	}
	return " AND " + alias + "client NOT IN " + numbers(gone)
}

// joins renders what events are joined with, if they are. Revisions that ended before any event of the
// range are left out. Should one be skipped that says that a session ended early, an older
// one seems to be the highest, but no event of the range belongs to it: the fold points
// every part of it elsewhere.
func (r *renderer) joins() (string, error) {
	if !r.isJoined {
		return "", nil
	}
	if r.isFinal {
		return r.finalJoin()
	}
	earliest, latest := plus(r.from, -joinMargin), plus(r.to, startMargin)
	revisions := fmt.Sprintf("property = %s AND (%s AND end_time >= %s OR tombstone AND day = %s) AND %s", propertyLiteral(r.p.Property),
		days("", plus(r.from, -sessionSpan-startMargin), latest), micros(earliest), sqlDay(tombstoneDay), r.counts(""))
	return r.d.execute("joins.sql", map[string]string{
		"Aliases": fmt.Sprintf("property = %s AND %s AND part_time >= %s AND %s", propertyLiteral(r.p.Property),
			days("", plus(earliest, -dayMicros), latest), micros(earliest), r.counts("")),
		"Columns":   strings.Join(r.needs, ", "),
		"Revisions": revisions,
		"Highest":   highest(revisions),
	})
}

// finalJoin renders the sessions of final events, for their numbers.
func (r *renderer) finalJoin() (string, error) {
	from := plus(r.from, -sessionSpan)
	return r.d.execute("final_joins.sql", map[string]string{
		"Columns": strings.Join(r.needs, ", "),
		"Rows": fmt.Sprintf("property = %s AND %s AND run IN %s", propertyLiteral(r.p.Property), days("", from, plus(r.to, -1)),
			numbers(r.v.doc.runs(from, r.to))),
	})
}

// finalSessionRows renders which final sessions the plan reads.
func (r *renderer) finalSessionRows() string {
	rows := fmt.Sprintf("s.property = %s AND %s AND s.start_time >= %s AND s.start_time < %s AND %s AND s.counted",
		propertyLiteral(r.p.Property), days("s.", r.from, plus(r.to, -1)), micros(r.from), micros(r.to), r.counts("s."))
	rows += within("s.start_time", r.pieces) + r.withoutGone("s.")
	if !r.p.AllVerdicts {
		rows += " AND s.verdict = ''"
	}
	return rows
}

// sessionRows renders which sessions the plan reads, among which revisions, and which of those
// are the highest. Finding these by numbers alone, first, costs the same for any
// number of columns.
func (r *renderer) sessionRows() (rows, revisions, numbers string) {
	rows = fmt.Sprintf("s.start_time >= %s AND s.start_time < %s", micros(r.from), micros(r.to)) +
		within("s.start_time", r.pieces) + r.withoutGone("s.")
	if !r.p.AllVerdicts {
		rows += " AND s.verdict = ''"
	}
	among := func(alias string) string {
		return fmt.Sprintf("%sproperty = %s AND (%s OR %stombstone AND %sday = %s) AND %s", alias, propertyLiteral(r.p.Property),
			days(alias, plus(r.from, -startMargin), plus(r.to, startMargin)), alias, alias, sqlDay(tombstoneDay), r.counts(alias))
	}
	return rows, among("s."), highest(among(""))
}

func highest(revisions string) string {
	return "SELECT session, max(revision) FROM sessions WHERE " + revisions + " GROUP BY session"
}
