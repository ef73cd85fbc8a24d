// Tidying: what no answer needs any more is removed, once no snapshot that may be held
// needs it either (Config.Grace).
//
// A Keeper whose term is over must not harm what a later one made. So each kind of garbage is looked
// for first, then the Keeper looks whether it still is one, and then it removes what it found and
// nothing else: whoever began later took over all that this one had committed.
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/internal/event"
)

// sessionDays is how long after a day's end rows of sessions and aliases of that day are
// needed: until no revision of theirs can have a start or an event behind the border.
const sessionDays = sessionSpan + startMargin

// garbage remembers since when something has been needless, by its name.
type garbage struct{ since map[string]time.Time }

func newGarbage() garbage { return garbage{since: map[string]time.Time{}} }

// due keeps those of found that have been needless for long enough, and forgets what was
// not found again. kind begins their names.
func (g *garbage) due(kind string, found []string, now time.Time, grace time.Duration) map[string]bool {
	out := map[string]bool{}
	still := map[string]bool{}
	for _, name := range found {
		name = kind + name
		still[name] = true
		if _, ok := g.since[name]; !ok {
			g.since[name] = now
		}
		if now.Sub(g.since[name]) >= grace {
			out[strings.TrimPrefix(name, kind)] = true
		}
	}
	maps.DeleteFunc(g.since, func(name string, _ time.Time) bool { return strings.HasPrefix(name, kind) && !still[name] })
	return out
}

// Tidy implements store.Keeper.
func (k *keeper) Tidy(ctx context.Context) error {
	if err := k.ready(ctx); err != nil {
		return fmt.Errorf("tidy: %w", err)
	}
	for _, step := range []func(context.Context) error{k.dropDays, k.removeDropped, k.removeRuns, k.removeErasures, k.removeDocuments} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("tidy: %w", err)
		}
	}
	return nil
}

func (k *keeper) due(kind string, found []string) map[string]bool {
	return k.garbage.due(kind, found, k.s.now(), k.s.cfg.Grace)
}

// dropDays drops the days of young tables that are final for every property that has rows there.
func (k *keeper) dropDays(ctx context.Context) error {
	latest := event.Time(math.MinInt64)
	for _, d := range k.at.docs {
		latest = max(latest, d.until())
	}
	if latest == math.MinInt64 {
		return nil
	}
	var parts []string
	for _, table := range []string{eventsTable, sessionsTable, aliasesTable} {
		parts = append(parts, fmt.Sprintf("SELECT DISTINCT %s AS t, toInt32(day) AS d, property FROM %s WHERE day < %s", quote(table), table, sqlDay(dayOf(latest))))
	}
	needed := map[string]bool{} // by table/day
	err := k.s.query(ctx, strings.Join(parts, "\nUNION ALL\n"), func(d *decoder) {
		table, day, p := d.text(), d.int32(), event.PropertyID(d.uint64())
		end := event.Time(int64(day)+1) * dayMicros
		if table != eventsTable {
			end = plus(end, sessionDays)
		}
		name := fmt.Sprintf("%s/%d", table, day)
		needed[name] = needed[name] || k.at.doc(p).until() < end || table == sessionsTable && day == tombstoneDay
	})
	if err != nil {
		return fmt.Errorf("find days: %w", queryError(err))
	}
	var found []string
	for name, is := range needed {
		if !is {
			found = append(found, name)
		}
	}
	due := k.due("day/", found)
	if len(due) == 0 {
		return nil
	}
	if err := k.checkTerm(ctx); err != nil {
		return err
	}
	sessions := false
	for _, name := range slices.Sorted(maps.Keys(due)) {
		var day int32
		table, number, _ := strings.Cut(name, "/")
		if _, err := fmt.Sscan(number, &day); err != nil {
			return fmt.Errorf("read day %q: %w", number, err)
		}
		sessions = sessions || table == sessionsTable
		if err := k.s.alter(ctx, table, "DROP PARTITION "+quote(isoDay(day))); err != nil {
			return err
		}
	}
	if !sessions {
		return nil
	}
	return k.removeTombstones(ctx)
}

// tombstonesAtOnce bounds the text of a statement.
const tombstonesAtOnce = 50_000

// removeTombstones removes the tombstones of sessions that have no other row any more.
func (k *keeper) removeTombstones(ctx context.Context) error {
	seen, err := k.s.visible(ctx)
	if err != nil {
		return err
	}
	var found []string
	err = k.s.query(ctx, fmt.Sprintf("SELECT DISTINCT property, session\nFROM sessions\nWHERE day = %s AND tombstone AND %s\n"+
		"    AND (property, session) NOT IN (SELECT property, session FROM sessions WHERE NOT tombstone)\nLIMIT %d",
		sqlDay(tombstoneDay), seen.condition(""), tombstonesAtOnce), func(d *decoder) {
		found = append(found, fmt.Sprintf("(%d, %d)", d.uint64(), d.uint64()))
	})
	if err != nil {
		return fmt.Errorf("find tombstones: %w", queryError(err))
	}
	if len(found) == 0 {
		return nil
	}
	return k.s.alter(ctx, sessionsTable, fmt.Sprintf("DELETE IN PARTITION %s WHERE tombstone AND %s AND (property, session) IN (%s)",
		quote(isoDay(tombstoneDay)), seen.condition(""), strings.Join(found, ", ")))
}

// removeDropped removes the rows of days that are not kept any more.
func (k *keeper) removeDropped(ctx context.Context) error {
	var found []string
	for p, d := range k.at.docs {
		if d.Dropped {
			found = append(found, fmt.Sprintf("%d/%d", uint64(p), int64(d.rowsFrom())))
		}
	}
	due := k.due("rows/", found)
	changed := map[event.PropertyID]*document{}
	for p, was := range k.at.docs {
		if due[fmt.Sprintf("%d/%d", uint64(p), int64(was.rowsFrom()))] {
			d := was.clone()
			d.Dropped = false
			changed[p] = d
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := k.checkTerm(ctx); err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(changed)) {
		if err := k.removeBefore(ctx, p, changed[p].rowsFrom()); err != nil {
			return err
		}
	}
	return k.commit(ctx, changed)
}

// removeBefore removes a property's rows from before a time. A session goes with the day on which it
// ended; of a young one all revisions go at once, so that none which is older counts again.
func (k *keeper) removeBefore(ctx context.Context, p event.PropertyID, until event.Time) error {
	seen, err := k.s.visible(ctx)
	if err != nil {
		return err
	}
	whose := "property = " + propertyLiteral(p) + " AND "
	before := func(column string) string { return fmt.Sprintf("%s%s < %s", whose, column, micros(until)) }
	var lasting []event.RowID
	err = k.s.query(ctx, fmt.Sprintf("SELECT session\nFROM sessions\nWHERE %s%s AND NOT tombstone AND %s\nGROUP BY session\nHAVING min(end_time) < %s AND max(end_time) >= %s",
		whose, days("", plus(until, -sessionDays-startMargin), plus(until, startMargin)), seen.condition(""), micros(until), micros(until)), func(d *decoder) {
		lasting = append(lasting, event.RowID(d.uint64()))
	})
	if err != nil {
		return fmt.Errorf("find sessions that last: %w", queryError(err))
	}
	for _, of := range [][2]string{
		{finalEventsTable, before("event_time")},
		{finalSessionsTable, before("end_time")},
		{eventsTable, before("event_time") + " AND " + seen.condition("")},
		{sessionsTable, before("end_time") + " AND NOT tombstone AND session NOT IN " + numbers(lasting) + " AND " + seen.condition("")},
	} {
		if err := k.s.alter(ctx, of[0], "DELETE WHERE "+of[1]); err != nil {
			return err
		}
	}
	return nil
}

// removeRuns removes the rows of runs that no document names.
func (k *keeper) removeRuns(ctx context.Context) error {
	named := map[uint64]bool{}
	for _, d := range k.at.docs {
		d.namedRuns(named)
	}
	days := map[string][2]int32{}
	var found []string
	// Who is at work on a run that no commit names yet notes it again and again: then it is another one in our memory.
	err := k.s.query(ctx, "SELECT run, toInt32(min(from_day)), toInt32(max(to_day)), count()\nFROM runs\nGROUP BY run", func(d *decoder) {
		run, from, to, notes := d.uint64(), d.int32(), d.int32(), d.uint64()
		if !named[run] {
			found = append(found, fmt.Sprintf("%d/%d", run, notes))
			days[fmt.Sprint(run)] = [2]int32{from, to}
		}
	})
	if err != nil {
		return fmt.Errorf("find runs: %w", queryError(err))
	}
	var due []string
	for name := range k.due("run/", found) {
		run, _, _ := strings.Cut(name, "/")
		due = append(due, run)
	}
	if len(due) == 0 {
		return nil
	}
	slices.Sort(due)
	if err := k.checkTerm(ctx); err != nil {
		return err
	}
	from, to := int32(maxDay), int32(minDay)
	for _, run := range due {
		from, to = min(from, days[run][0]), max(to, days[run][1])
	}
	// Cells have local days.
	where := fmt.Sprintf("DELETE WHERE day >= %s AND day <= %s AND run IN (%s)", sqlDay(max(from-2, minDay)), sqlDay(min(to+2, maxDay)), strings.Join(due, ", "))
	for _, table := range []string{finalEventsTable, finalSessionsTable, cellsTable} {
		if err := k.s.alter(ctx, table, where); err != nil {
			return err
		}
	}
	return k.s.alter(ctx, runsTable, "DELETE WHERE run IN ("+strings.Join(due, ", ")+")")
}
