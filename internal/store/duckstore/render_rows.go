// Rows of a relation: young rows, joined as they are now, and final rows.
package duckstore

import (
	"fmt"
	"math"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// sessionSpan bounds how far an event may lie from its session's start: the
// session's events end at most three local days after the day of its start
// (S12), so five days are never too few.
const sessionSpan = 5 * dayMicros

// joinMargin is how long before a range a session or part may have been told
// to end and still hold an event of the range. A session's last revision ends with its
// last event; an alias is not told again while its part grows, and a part lies within one
// local day, which has at most 25 hours.
const joinMargin = 26 * hourMicros

// eventRows renders the CTEs and the rows of ev for events. If the whole range
// is final, young sessions are not looked at.
func (r *renderer) eventRows() (with, rows string) {
	if final := r.finalEvents(); final != "" && !r.hasYoung() {
		return r.noCTE(), final
	}
	needE, needS := map[string]bool{}, map[string]bool{}
	for _, name := range r.order {
		for _, c := range r.ev[name].needEvent {
			needE[c] = true
		}
		for _, c := range r.ev[name].needSession {
			needS[c] = true
		}
	}
	needE["event_time"] = true
	if len(needS) > 0 {
		needE["part"] = true
	}
	ctes := []string{"ye AS (" + r.youngEvents(needE) + ")"}
	from := "ye e"
	if len(needS) > 0 {
		ctes = append(ctes, "al AS ("+r.aliases()+")", "se AS ("+r.joinedSessions(needS)+")")
		from = "ye e LEFT JOIN al a ON a.part = e.part " +
			"LEFT JOIN se s ON s.session = coalesce(a.session, e.part)"
	}
	parts := []string{"SELECT " + r.project(func(s source) string { return s.young }) + " FROM " + from}
	if final := r.finalEvents(); final != "" {
		parts = append(parts, final)
	}
	return strings.Join(ctes, ",\n"), strings.Join(parts, "\n    UNION ALL\n    ")
}

// project renders the columns of ev; side chooses young or final.
func (r *renderer) project(side func(source) string) string {
	if len(r.order) == 0 {
		return "1 AS nothing"
	}
	out := make([]string, 0, len(r.order))
	for _, name := range r.order {
		out = append(out, side(r.ev[name])+" AS "+name)
	}
	return strings.Join(out, ", ")
}

// young is the part of [From, To) whose rows are young.
func (r *renderer) young() (from, to event.Time) { return max(r.p.From, r.until), r.p.To }

// hasYoung says whether young rows can lie in [From, To).
func (r *renderer) hasYoung() bool {
	from, to := r.young()
	return from < to
}

// noCTE stands where a statement needs no common table expression.
func (r *renderer) noCTE() string { return "final_only AS (SELECT 1)" }

func (r *renderer) youngEvents(columns map[string]bool) string {
	from, to := r.young()
	where := fmt.Sprintf("property = %s AND event_time >= %s AND event_time < %s",
		propertyLiteral(r.p.Property), micros(from), micros(to)) + r.verdict()
	return r.view.young(store.YoungEvents, r.p.Property, strings.Join(sortedKeys(columns), ", "), where,
		func(b bounds) bool { return b.minTime < to && b.maxTime >= from })
}

// verdict renders of whom rows are read.
func (r *renderer) verdict() string {
	if r.p.AllVerdicts {
		return r.view.only
	}
	return " AND verdict = ''" + r.view.only
}

// joinable is from when on a session or part must have ended to be joined to
// young events of the range.
func (r *renderer) joinable() event.Time {
	from, _ := r.young()
	if from < math.MinInt64+joinMargin {
		return from
	}
	return from - joinMargin
}

// aliases renders the session that each part belongs to now.
func (r *renderer) aliases() string {
	earliest := r.joinable()
	src := r.view.young(store.YoungAliases, r.p.Property, "part, session, revision",
		fmt.Sprintf("property = %s AND part_time >= %s", propertyLiteral(r.p.Property), micros(earliest)),
		func(b bounds) bool { return b.needed >= earliest })
	return "SELECT part, arg_max(session, revision) AS session FROM (" + src + ") GROUP BY part"
}

// joinedSessions renders the sessions that events of the range may belong to.
// Revisions that ended before are left out. Should a segment be skipped that
// holds a tombstone, the absorbed session seems to be alive, but no event belongs to
// it: the fold points every part of it elsewhere.
func (r *renderer) joinedSessions(columns map[string]bool) string {
	earliest := r.joinable()
	return r.latestSessions(columns, " AND (tombstone OR end_time >= "+micros(earliest)+")",
		func(b bounds) bool { return b.needed >= earliest })
}

// latestSessions renders the highest revision of each session that is not
// absorbed, whatever its start: revisions of one session may have different
// ones. Finding the highest revision first and joining costs the same for any
// number of columns; arg_max per column took 2.4 times the CPU with six.
func (r *renderer) latestSessions(columns map[string]bool, cond string, keep func(bounds) bool) string {
	names := sortedKeys(columns)
	where := "property = " + propertyLiteral(r.p.Property) + cond + r.view.only
	all := r.view.young(store.YoungSessions, r.p.Property,
		strings.Join(append([]string{"session", "revision", "tombstone"}, names...), ", "), where, keep)
	ids := r.view.young(store.YoungSessions, r.p.Property, "session, revision", where, keep)
	return fmt.Sprintf("SELECT session, %s FROM (%s) JOIN "+
		"(SELECT session, max(revision) AS revision FROM (%s) GROUP BY session) USING (session, revision) "+
		"WHERE NOT tombstone", strings.Join(names, ", "), all, ids)
}

func (r *renderer) finalEvents() string {
	to := min(r.p.To, r.until)
	if !r.isFinal || r.p.From >= to {
		return ""
	}
	files := r.view.files(store.FinalEvents, r.p.Property, func(b bounds) bool {
		return b.minTime < to && b.maxTime >= r.p.From
	})
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("SELECT %s FROM %s f WHERE f.property = %s AND f.event_time >= %s AND f.event_time < %s%s",
		r.project(func(s source) string { return s.final }), readParquet(files),
		propertyLiteral(r.p.Property), micros(r.p.From), micros(to), r.verdict())
}

// sessionRows renders the CTEs and the rows of ev for sessions.
func (r *renderer) sessionRows() (with, rows string) {
	need := map[string]bool{"start_time": true, "counted": true, "verdict": true}
	for _, name := range r.order {
		for _, c := range r.ev[name].needSession {
			need[c] = true
		}
	}
	final := r.finalSessions(r.project(func(s source) string { return s.final }), r.p.From,
		" AND f.counted"+r.verdict())
	if final != "" && !r.hasYoung() {
		return r.noCTE(), final
	}
	from, to := r.young()
	verdict := ""
	if !r.p.AllVerdicts {
		verdict = " AND s.verdict = ''"
	}
	rows = fmt.Sprintf("SELECT %s FROM se s WHERE s.counted AND s.start_time >= %s AND s.start_time < %s%s",
		r.project(func(s source) string { return s.young }), micros(from), micros(to), verdict)
	if final != "" {
		rows += "\n    UNION ALL\n    " + final
	}
	return "se AS (" + r.latestSessions(need, "", nil) + ")", rows
}

// finalSessions renders final sessions that start in [from, To).
func (r *renderer) finalSessions(columns string, from event.Time, cond string) string {
	to := min(r.p.To, r.until)
	if !r.isFinal || from >= to {
		return ""
	}
	files := r.view.files(store.FinalSessions, r.p.Property, func(b bounds) bool {
		return b.minTime < to && b.maxTime >= from
	})
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("SELECT %s FROM %s f WHERE f.property = %s AND f.start_time >= %s AND f.start_time < %s%s",
		columns, readParquet(files), propertyLiteral(r.p.Property), micros(from), micros(to), cond)
}

// numbersBySession renders the numbers of each session that an event in
// [From, To) may belong to, once: young sessions that start before FinalUntil
// are in the final rows too.
func (r *renderer) numbersBySession(numbers map[string]source) string {
	need := map[string]bool{"start_time": true}
	var young, final strings.Builder
	young.WriteString("s.session")
	final.WriteString("f.session")
	for _, name := range sortedKeys(numbers) {
		for _, c := range numbers[name].needSession {
			need[c] = true
		}
		fmt.Fprintf(&young, ", %s AS %s", numbers[name].young, name)
		fmt.Fprintf(&final, ", %s AS %s", numbers[name].final, name)
	}
	earliest := event.Time(math.MinInt64)
	if r.p.From > earliest+sessionSpan {
		earliest = r.p.From - sessionSpan
	}
	f := r.finalSessions(final.String(), earliest, "")
	if f != "" && !r.hasYoung() {
		return f
	}
	q := "SELECT " + young.String() + " FROM (" + r.joinedSessions(need) + ") s WHERE s.start_time >= " +
		micros(r.until)
	if f != "" {
		q += " UNION ALL " + f
	}
	return q
}
