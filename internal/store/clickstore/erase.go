// Erasure: a commit takes clients out of all answers at once, then their rows are removed from
// the tables, then another commit says that this is done (S30, U8).
//
// The commits are steps (U5): between them answers leave out rows that are still there. What was counted
// is in the first, so that it is counted once however often the rest is tried.
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// replayedClient is set in the numbers of clients that a replay made.
const replayedClient = 1 << 63

// Erasures implements store.Keeper.
func (k *keeper) Erasures(ctx context.Context) ([]store.Erasure, error) {
	if err := k.ready(ctx); err != nil {
		return nil, fmt.Errorf("find erasures: %w", err)
	}
	return k.s.erasures(ctx, k.at)
}

// Erase implements store.Keeper.
func (k *keeper) Erase(ctx context.Context, of []store.Erasure, at event.Time, days store.DaysAround) (map[event.PropertyID][2]event.Time, error) {
	if err := k.ready(ctx); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	touched := map[event.PropertyID][2]event.Time{}
	// What an earlier call began comes to its end first.
	if err := k.finishErasing(ctx, touched); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	if err := k.beginErasing(ctx, of, at, days); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	if err := k.finishErasing(ctx, touched); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	return touched, nil
}

// beginErasing takes the clients out of all answers.
func (k *keeper) beginErasing(ctx context.Context, of []store.Erasure, at event.Time, days store.DaysAround) error {
	byProperty := map[event.PropertyID][]store.Erasure{}
	for _, e := range of {
		if !slices.Contains(k.at.doc(e.Property).Done, e) && !slices.Contains(byProperty[e.Property], e) {
			byProperty[e.Property] = append(byProperty[e.Property], e)
		}
	}
	if len(byProperty) == 0 {
		return nil
	}
	seen, err := k.s.visible(ctx)
	if err != nil {
		return err
	}
	clients, err := k.clientsOf(ctx, byProperty, seen)
	if err != nil {
		return err
	}
	losses, err := k.losses(ctx, clients, seen)
	if err != nil {
		return err
	}
	changed := map[event.PropertyID]*document{}
	for p, list := range byProperty {
		d := k.at.doc(p).clone()
		changed[p] = d
		d.Gone = &goneClients{Of: list, Clients: clients[p]}
		l, lost := losses[p]
		if !lost {
			continue
		}
		d.Erased += l.events
		d.Gone.From, d.Gone.To, d.Gone.Lost = l.first, l.last, true
		from, to := days(p, l.first, l.last)
		d.note(p, func(m *store.Manifest) { m.NoteErased(p, store.Restated{At: at, From: from, To: to}) })
		d.Finals = slices.Clone(d.Finals)
		for i := range d.Finals {
			if l.runs[d.Finals[i].Run] {
				d.Finals[i].Edition++
			}
		}
	}
	return k.commit(ctx, changed)
}

// clientsOf finds the numbers of clients who are older than their erasures.
func (k *keeper) clientsOf(ctx context.Context, of map[event.PropertyID][]store.Erasure, seen visible) (map[event.PropertyID][]event.RowID, error) {
	var names []string
	for _, p := range slices.Sorted(maps.Keys(of)) {
		for _, e := range of[p] {
			names = append(names, fmt.Sprintf("(%s, %s)", p, quote(e.ClientID)))
		}
	}
	whose := "property IN " + propertyList(slices.Sorted(maps.Keys(of))) + " AND (property, client_id) IN (" + strings.Join(names, ", ") + ")"
	out := map[event.PropertyID][]event.RowID{}
	err := k.s.query(ctx, fmt.Sprintf("SELECT DISTINCT property, client_id, client\nFROM (\n    SELECT property, client_id, client FROM sessions WHERE %s AND %s\n"+
		"    UNION ALL\n    SELECT property, client_id, client FROM final_sessions WHERE %s\n)\nORDER BY property, client", whose, seen.condition(""), whose),
		func(d *decoder) {
			p, name, client := event.PropertyID(d.uint64()), d.text(), event.RowID(d.uint64())
			if slices.ContainsFunc(of[p], func(e store.Erasure) bool {
				return sentText(e.ClientID) == name && (client < e.Before || client >= replayedClient)
			}) {
				out[p] = append(out[p], client)
			}
		})
	if err != nil {
		return nil, fmt.Errorf("find clients to erase: %w", queryError(err))
	}
	return out, nil
}

// sentText is a text as rows have it.
func sentText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// loss is what answers lose by the erasures of a property.
type loss struct {
	events      int64 // without synthetic ones
	first, last event.Time
	runs        map[uint64]bool
}

// losses counts the rows of clients that are in answers.
func (k *keeper) losses(ctx context.Context, clients map[event.PropertyID][]event.RowID, seen visible) (map[event.PropertyID]loss, error) {
	if len(clients) == 0 {
		return nil, nil
	}
	whose := whoseRows(clients)
	until, since := k.timeOf((*document).until), k.timeOf((*document).rowsFrom)
	runs := map[uint64]bool{}
	for p := range clients {
		for _, r := range k.at.doc(p).Finals {
			runs[r.Run] = true
		}
	}
	named := "run IN " + numbers(slices.Sorted(maps.Keys(runs)))
	among := seen.condition("")
	parts := []string{
		fmt.Sprintf("SELECT property, toInt64(sub = 0) AS n, event_time AS t, toUInt64(0) AS r FROM events WHERE %s AND %s AND event_time >= %s AND event_time >= %s",
			whose, among, until, since),
		fmt.Sprintf("SELECT property, toInt64(sub = 0) AS n, event_time AS t, run AS r FROM final_events WHERE %s AND %s AND event_time >= %s", whose, named, since),
		fmt.Sprintf("SELECT property, toInt64(0) AS n, start_time AS t, run AS r FROM final_sessions WHERE %s AND %s AND end_time >= %s", whose, named, since),
		fmt.Sprintf("SELECT property, toInt64(0) AS n, start_time AS t, toUInt64(0) AS r FROM sessions WHERE %s AND %s AND start_time >= %s AND NOT tombstone "+
			"AND (property, session, revision) IN (SELECT property, session, max(revision) FROM sessions WHERE %s "+
			"AND (property, session) IN (SELECT property, session FROM sessions WHERE %s AND %s) GROUP BY property, session)",
			whose, among, until, among, whose, among),
	}
	out := map[event.PropertyID]loss{}
	err := k.s.query(ctx, "SELECT property, r, sum(n), min(t), max(t)\nFROM (\n    "+strings.Join(parts, "\n    UNION ALL\n    ")+"\n)\nGROUP BY property, r", func(d *decoder) {
		p, run, n, first, last := event.PropertyID(d.uint64()), d.uint64(), d.int64(), event.Time(d.int64()), event.Time(d.int64())
		l, ok := out[p]
		if !ok {
			l = loss{first: math.MaxInt64, last: math.MinInt64, runs: map[uint64]bool{}}
		}
		l.events, l.first, l.last = l.events+n, min(l.first, first), max(l.last, last)
		l.runs[run] = true
		out[p] = l
	})
	if err != nil {
		return nil, fmt.Errorf("count rows to erase: %w", queryError(err))
	}
	return out, nil
}

// whoseRows renders that a row is of one of the clients.
func whoseRows(clients map[event.PropertyID][]event.RowID) string {
	properties := slices.Sorted(maps.Keys(clients))
	var pairs []string
	for _, p := range properties {
		for _, c := range clients[p] {
			pairs = append(pairs, fmt.Sprintf("(%d, %d)", uint64(p), uint64(c)))
		}
	}
	return "property IN " + propertyList(properties) + " AND (property, client) IN (" + strings.Join(pairs, ", ") + ")"
}

// finishErasing removes the rows of all clients that are out of answers, and notes it.
func (k *keeper) finishErasing(ctx context.Context, touched map[event.PropertyID][2]event.Time) error {
	clients, changed := map[event.PropertyID][]event.RowID{}, map[event.PropertyID]*document{}
	for p, was := range k.at.docs {
		if was.Gone == nil {
			continue
		}
		if len(was.Gone.Clients) > 0 {
			clients[p] = was.Gone.Clients
		}
		d := was.clone()
		d.Done, d.Gone = append(slices.Clone(d.Done), was.Gone.Of...), nil
		changed[p] = d
	}
	if len(changed) == 0 {
		return nil
	}
	if err := k.removeRows(ctx, clients); err != nil {
		return err
	}
	found := map[event.PropertyID][2]event.Time{}
	for p := range changed {
		if g := k.at.docs[p].Gone; g.Lost {
			found[p] = [2]event.Time{g.From, g.To}
		}
	}
	if err := k.commit(ctx, changed); err != nil {
		return err
	}
	for p, t := range found {
		if was, ok := touched[p]; ok {
			t = [2]event.Time{min(was[0], t[0]), max(was[1], t[1])}
		}
		touched[p] = t
	}
	return nil
}

// removeRows removes the rows of clients from all tables. Batches that are not published yet are
// left alone, since whoever inserts one may count its rows (insert.go); they have none of these: a batch has rows
// of a client in the order of the log, and the erasure is in one that is published.
func (k *keeper) removeRows(ctx context.Context, clients map[event.PropertyID][]event.RowID) error {
	if len(clients) == 0 {
		return nil
	}
	seen, err := k.s.visible(ctx)
	if err != nil {
		return err
	}
	for _, table := range []string{eventsTable, sessionsTable, finalEventsTable, finalSessionsTable} {
		where := whoseRows(clients)
		if table == eventsTable || table == sessionsTable {
			where += " AND " + seen.condition("")
		}
		if err := k.s.alter(ctx, table, "DELETE WHERE "+where); err != nil {
			return err
		}
	}
	return nil
}

// timeOf renders a time of the document of a row's property; the lowest for others.
func (k *keeper) timeOf(of func(*document) event.Time) string {
	var properties, times []string
	for _, p := range slices.Sorted(maps.Keys(k.at.docs)) {
		if t := of(k.at.docs[p]); t != math.MinInt64 {
			properties, times = append(properties, p.String()), append(times, fmt.Sprint(int64(t)))
		}
	}
	none := fmt.Sprintf("toInt64(%d)", int64(math.MinInt64))
	if len(properties) == 0 {
		return none
	}
	return fmt.Sprintf("transform(property, [%s]::Array(UInt64), [%s]::Array(Int64), %s)", strings.Join(properties, ", "), strings.Join(times, ", "), none)
}

// alter changes a table on all servers, and returns when all have done it.
func (s *Store) alter(ctx context.Context, table, what string) error {
	if s.cfg.Cluster != "" {
		table += local + " ON CLUSTER " + s.cfg.Cluster
	}
	set := limited(keepTimeout)
	set["mutations_sync"], set["alter_sync"] = "2", "2"
	set["max_query_size"] = fmt.Sprint(16 << 20)
	set["distributed_ddl_task_timeout"] = fmt.Sprint(int(keepTimeout.Seconds()))
	if err := s.client.do(ctx, request{sql: "ALTER TABLE " + table + " " + what, settings: set, timeout: keepTimeout}, nil); err != nil {
		return fmt.Errorf("change table %s: %w", table, err)
	}
	return nil
}
