// Export: all rows of the installed manifest, partition by partition, for another store to take over.
package duckstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.RowSource = (*Store)(nil)

// rowExport is one walk over the rows of a partition.
type rowExport struct {
	store *Store
	m     store.Manifest
	lo    event.RowID // of the partition
	hi    event.RowID
	most  int
}

// Rows implements store.RowSource. What is in heads does not count: the manifest is all.
func (s *Store) Rows(ctx context.Context, p event.Partition, most int, yield func(*store.Batch) error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := s.whileOpen(ctx)
	defer cancel()
	s.mu.Lock()
	x := &rowExport{store: s, m: cloneManifest(*s.manifest), most: most}
	s.mu.Unlock()
	x.lo, x.hi = event.MakeRowID(p, 0), event.MakeRowID(p, 1<<48-1)
	release, err := s.holdFiles(x.m.Segments)
	if err != nil {
		return fmt.Errorf("export rows: %w", err)
	}
	defer release()
	for _, walk := range []func(context.Context, func(*store.Batch) error) error{x.events, x.sessions, x.aliases} {
		if err := walk(ctx, yield); err != nil {
			return fmt.Errorf("export rows of partition %d: %w", p, err)
		}
	}
	return nil
}

// of returns the segments of a table that may hold rows of the export.
func (x *rowExport) of(t store.Table) []store.Segment {
	var out []store.Segment
	for _, seg := range x.m.Segments {
		if seg.Table == t {
			out = append(out, seg)
		}
	}
	return out
}

// notFinal renders that t is not in a final day of its row's property.
func (x *rowExport) notFinal(t string) string {
	parts := []string{"true"}
	for _, p := range slices.Sorted(maps.Keys(x.m.FinalUntil)) {
		parts = append(parts, fmt.Sprintf("NOT (property = %s AND %s < %s)", propertyLiteral(p), t, micros(x.m.FinalUntil[p])))
	}
	return strings.Join(parts, " AND ")
}

// portionEnd is where a portion ended: rows are in the order of two numbers.
type portionEnd struct{ first, second uint64 }

// portions asks for one portion after the other until one is not full.
func (x *rowExport) portions(ctx context.Context, selects []string, first, second string, read func(r *result, i int) portionEnd, portion func() error) error {
	if len(selects) == 0 {
		return nil
	}
	at := portionEnd{uint64(x.lo), 0}
	for from := ">="; ; from = ">" {
		q := fmt.Sprintf("SELECT * FROM (%s) WHERE %s < %d AND (%s > %d OR %s = %d AND %s %s %d) ORDER BY %s, %s LIMIT %d",
			strings.Join(selects, " UNION ALL "), first, uint64(x.hi), first, at.first, first, at.first, second, from, at.second, first, second, x.most)
		n := 0
		err := x.store.writer.run(ctx, q, func(r *result) error {
			for i := range r.rows {
				at = read(r, i)
			}
			n += r.rows
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
		if err := portion(); err != nil || n < x.most {
			return err
		}
	}
}

func (x *rowExport) events(ctx context.Context, yield func(*store.Batch) error) error {
	var selects []string
	if segs := x.of(store.YoungEvents); len(segs) > 0 {
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s WHERE %s", exportedEvent("part", "event_key"),
			x.store.rowsOf(store.YoungEvents, segs), x.notFinal("event_time")))
	}
	if segs := x.of(store.FinalEvents); len(segs) > 0 {
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s", exportedEvent("session", "format('{:08d}', tie)"),
			x.store.rowsOf(store.FinalEvents, segs)))
	}
	b := &store.Batch{}
	return x.portions(ctx, selects, "row_id", "sub", func(r *result, i int) portionEnd {
		e := readEvent(r, i)
		b.Events = append(b.Events, e)
		return portionEnd{uint64(e.Row), uint64(e.Sub)}
	}, func() error {
		defer b.Reset()
		return yield(b)
	})
}

func exportedEvent(part, key string) string {
	return strings.Join([]string{"property", "row_id", "sub::UBIGINT AS sub", part + "::UBIGINT AS part", "client", "event_time", "ingest_time", "idx::BIGINT",
		"engagement_ms", "value_micros", "(active::BIGINT + 2 * page_view::BIGINT + 4 * key_event::BIGINT + 8 * marked_key::BIGINT + " +
			"16 * counted_before::BIGINT)", "user_id", "verdict", "event_name", "host", "path", "query", "title", "referrer",
		"language", "screen", "country", "region", "city", "device_category", "browser", "operating_system",
		"operating_system_version", "event_source", "event_medium", "event_campaign", "currency", "params", key}, ", ")
}

func readEvent(r *result, i int) store.EventRow {
	flags := r.int64(10, i)
	flag := func(bit int64) bool { return flags&bit != 0 }
	e := store.EventRow{Property: event.PropertyID(r.uint64(0, i)), Row: event.RowID(r.uint64(1, i)), Sub: uint8(r.uint64(2, i)),
		Part: event.RowID(r.uint64(3, i)), Client: event.RowID(r.uint64(4, i)), EventTime: event.Time(r.int64(5, i)),
		IngestTime: event.Time(r.int64(6, i)), Index: uint32(r.int64(7, i)), EngagementMS: r.int64(8, i), ValueMicros: r.int64(9, i),
		Active: flag(1), PageView: flag(2), KeyEvent: flag(4), MarkedKey: flag(8), CountedBefore: flag(16)}
	for n, to := range []*string{&e.UserID, &e.Verdict, &e.Name, &e.Host, &e.Path, &e.Query, &e.Title, &e.Referrer,
		&e.Language, &e.Screen, &e.Country, &e.Region, &e.City, &e.Category, &e.Browser, &e.OS, &e.OSMajor,
		&e.Source, &e.Medium, &e.Campaign, &e.Currency, &e.Params, &e.Key} {
		*to = r.text(11+n, i)
	}
	return e
}

func (x *rowExport) sessions(ctx context.Context, yield func(*store.Batch) error) error {
	var selects []string
	if segs := x.of(store.YoungSessions); len(segs) > 0 {
		// A tombstone has no start, and without it what it ends would be there again.
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s WHERE tombstone OR %s", exportedSession("revision", "tombstone", "closes"),
			x.store.rowsOf(store.YoungSessions, segs), x.notFinal("start_time")))
	}
	if segs := x.of(store.FinalSessions); len(segs) > 0 {
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s", exportedSession(fmt.Sprint(uint64(store.FinalRevision)), "false", "end_time"),
			x.store.rowsOf(store.FinalSessions, segs)))
	}
	b := &store.Batch{}
	return x.portions(ctx, selects, "session", "revision", func(r *result, i int) portionEnd {
		s := readSession(r, i)
		b.Sessions = append(b.Sessions, s)
		return portionEnd{uint64(s.Session), s.Revision}
	}, func() error {
		defer b.Reset()
		return yield(b)
	})
}

func exportedSession(revision, tombstone, closes string) string {
	return strings.Join([]string{"property", "session", revision + "::UBIGINT AS revision", "client", "start_time", "end_time", closes + "::BIGINT", "first_event_row",
		"session_events", "session_views", "session_key_events", "session_engagement_ms", "session_revenue_micros",
		"(" + tombstone + "::BIGINT + 2 * counted::BIGINT + 4 * has_first::BIGINT + 8 * own_source::BIGINT + 16 * engaged::BIGINT)",
		"client_id", "user_id", "verdict", "exit_host", "session_source", "session_medium", "session_campaign", "session_channel",
		"landing_host", "landing_path", "landing_query", "exit_path", "new_vs_returning", "first_user_source", "first_user_medium",
		"first_user_campaign", "first_user_channel", "language", "screen", "country", "region", "city", "device_category", "browser",
		"operating_system", "operating_system_version", "session_id"}, ", ")
}

func readSession(r *result, i int) store.SessionRow {
	flags := r.int64(13, i)
	flag := func(bit int64) bool { return flags&bit != 0 }
	s := store.SessionRow{Property: event.PropertyID(r.uint64(0, i)), Session: event.RowID(r.uint64(1, i)), Revision: r.uint64(2, i),
		Client: event.RowID(r.uint64(3, i)), Start: event.Time(r.int64(4, i)), End: event.Time(r.int64(5, i)), Closes: event.Time(r.int64(6, i)),
		FirstEvent: event.RowID(r.uint64(7, i)), Events: r.int64(8, i), Views: r.int64(9, i), KeyEvents: r.int64(10, i),
		EngagementMS: r.int64(11, i), RevenueMicros: r.int64(12, i),
		Tombstone: flag(1), Counted: flag(2), HasFirst: flag(4), OwnSource: flag(8), Engaged: flag(16)}
	for n, to := range []*string{&s.ClientID, &s.UserID, &s.Verdict, &s.ExitHost, &s.Source, &s.Medium, &s.Campaign, &s.Channel,
		&s.LandingHost, &s.LandingPath, &s.LandingQuery, &s.ExitPath, &s.NewVsReturning, &s.FirstUserSource, &s.FirstUserMedium,
		&s.FirstUserCampaign, &s.FirstUserChannel, &s.Language, &s.Screen, &s.Country, &s.Region, &s.City, &s.Category, &s.Browser,
		&s.OS, &s.OSMajor, &s.SessionID} {
		*to = r.text(14+n, i)
	}
	return s
}

func (x *rowExport) aliases(ctx context.Context, yield func(*store.Batch) error) error {
	var selects []string
	if segs := x.of(store.YoungAliases); len(segs) > 0 {
		selects = append(selects, "SELECT property, part, revision, session, part_time FROM "+x.store.rowsOf(store.YoungAliases, segs))
	}
	b := &store.Batch{}
	return x.portions(ctx, selects, "part", "revision", func(r *result, i int) portionEnd {
		a := store.AliasRow{Property: event.PropertyID(r.uint64(0, i)), Part: event.RowID(r.uint64(1, i)), Revision: r.uint64(2, i),
			Session: event.RowID(r.uint64(3, i)), Time: event.Time(r.int64(4, i))}
		b.Aliases = append(b.Aliases, a)
		return portionEnd{uint64(a.Part), a.Revision}
	}, func() error {
		defer b.Reset()
		return yield(b)
	})
}
