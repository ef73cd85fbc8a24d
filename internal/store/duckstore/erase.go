// Erasure: segments are rewritten without the rows of clients (S30). The old
// files go once no snapshot reads them.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Erase implements store.Store.
func (s *Store) Erase(ctx context.Context, m store.Manifest, of []store.Erasure) (*store.Erased, error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out *store.Erased
	gone := s.eraseDrafts(of)
	defer func() { gone(out) }()
	segs := erasable(m, of)
	if len(segs) == 0 {
		return nil, nil
	}
	release, err := s.holdFiles(segs)
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	defer release()
	table, err := s.goneClients(ctx, m, segs, of)
	if err != nil {
		return nil, fmt.Errorf("find clients to erase: %w", err)
	}
	out, err = s.withoutClients(ctx, segs, table)
	err = errors.Join(err, s.writer.exec(context.WithoutCancel(ctx), "DROP TABLE "+table))
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	if len(out.Removed) == 0 {
		return nil, nil
	}
	return out, nil
}

// erasable returns the segments that can hold rows of the clients. Aliases and
// cells name nobody.
func erasable(m store.Manifest, of []store.Erasure) []store.Segment {
	var out []store.Segment
	for _, seg := range m.Segments {
		if seg.Table != store.YoungAliases && !seg.Table.OfCells() && slices.ContainsFunc(of, func(e store.Erasure) bool {
			return seg.MinProperty <= e.Property && e.Property <= seg.MaxProperty
		}) {
			out = append(out, seg)
		}
	}
	return out
}

// replayedClient is set in the numbers of clients that a replay made.
const replayedClient = "9223372036854775808"

// goneClients makes a table of the numbers of the clients, with their property's
// FinalUntil, and returns its name.
func (s *Store) goneClients(ctx context.Context, m store.Manifest, segs []store.Segment, of []store.Erasure) (string, error) {
	var from, values []string
	for _, seg := range segs {
		if seg.Table == store.YoungSessions || seg.Table == store.FinalSessions {
			from = append(from, fmt.Sprintf("SELECT property, client, client_id FROM %s", s.rowsOf(seg.Table, []store.Segment{seg})))
		}
	}
	if len(from) == 0 {
		from = append(from, "SELECT property, client, client_id FROM "+emptyTable(store.FinalSessions))
	}
	for _, e := range of {
		until, ok := m.FinalUntil[e.Property]
		if !ok {
			until = math.MinInt64
		}
		values = append(values, fmt.Sprintf("(%s, %s, CAST(%d AS UBIGINT), %s)", propertyLiteral(e.Property),
			quote(e.ClientID), uint64(e.Before), micros(until)))
	}
	table := fmt.Sprintf("gone_%d", s.nextID.Add(1))
	q := fmt.Sprintf("CREATE TABLE %s AS WITH g(property, client_id, before_row, until) AS (VALUES %s) "+
		"SELECT DISTINCT x.property, x.client, g.until FROM (%s) x JOIN g USING (property, client_id) "+
		"WHERE x.client < g.before_row OR x.client >= CAST(%s AS UBIGINT)",
		table, strings.Join(values, ", "), strings.Join(from, " UNION ALL "), replayedClient)
	return table, s.writer.exec(ctx, q)
}

// withoutClients rewrites the segments that hold rows of the clients in a table.
func (s *Store) withoutClients(ctx context.Context, segs []store.Segment, gone string) (*store.Erased, error) {
	out := &store.Erased{Events: map[event.PropertyID]int64{}, Touched: map[event.PropertyID][2]event.Time{}}
	var specs []segmentSpec
	for _, seg := range segs {
		rows := s.rowsOf(seg.Table, []store.Segment{seg})
		found, err := s.countGone(ctx, seg.Table, rows, gone, out)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		out.Removed = append(out.Removed, seg.ID)
		rest := fmt.Sprintf("(SELECT x.* FROM %s x ANTI JOIN %s USING (property, client))", rows, gone)
		specs = append(specs, segmentSpec{table: seg.Table, level: seg.Level, query: s.rowsQuery(seg.Table, rest)})
	}
	var err error
	out.Added, err = s.writeSpecs(ctx, s.writer, specs)
	return out, err
}

// countGone adds what rows of a segment go, and tells whether any does.
func (s *Store) countGone(ctx context.Context, t store.Table, rows, gone string, out *store.Erased) (found bool, err error) {
	events := "0"
	switch t {
	case store.FinalEvents:
		events = "count(*) FILTER (sub = 0)"
	case store.YoungEvents: // those of final days are in final rows too
		events = "count(*) FILTER (sub = 0 AND event_time >= g.until)"
	}
	q := fmt.Sprintf("SELECT property, %s, min(%[2]s), max(%[2]s) FROM %[3]s x JOIN %[4]s g USING (property, client) GROUP BY property",
		"CAST("+events+" AS BIGINT)", timeColumn(t), rows, gone)
	err = s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			found = true
			p, lo, hi := event.PropertyID(r.uint64(0, i)), event.Time(r.int64(2, i)), event.Time(r.int64(3, i))
			out.Events[p] += r.int64(1, i)
			if hi == 0 {
				continue // tombstones have no time
			}
			if was, ok := out.Touched[p]; ok {
				lo, hi = min(lo, was[0]), max(hi, was[1])
			}
			out.Touched[p] = [2]event.Time{lo, hi}
		}
		return nil
	})
	return found, err
}

// ClientsOf implements store.Snapshot.
func (sn *snapshot) ClientsOf(ctx context.Context, p event.PropertyID, userID string) ([]string, error) {
	leave, err := sn.s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	whose := "property = " + propertyLiteral(p)
	is := whose + " AND user_id = " + quote(userID)
	table := func(young, final store.Table, columns, where string) string {
		q := sn.view.young(young, p, columns, where, nil)
		if files := sn.view.files(final, p, nil); len(files) > 0 {
			q += fmt.Sprintf(" UNION ALL SELECT %s FROM %s WHERE %s", columns, readParquet(files), where)
		}
		return q
	}
	q := fmt.Sprintf("SELECT DISTINCT client_id FROM (%s) WHERE client_id <> '' AND client IN (%s UNION ALL %s) ORDER BY 1",
		table(store.YoungSessions, store.FinalSessions, "client, client_id", whose),
		table(store.YoungEvents, store.FinalEvents, "client", is),
		table(store.YoungSessions, store.FinalSessions, "client", is))
	var out []string
	err = sn.s.reader.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			out = append(out, r.text(0, i))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find clients of a user of property %d: %w", p, err)
	}
	return out, nil
}
