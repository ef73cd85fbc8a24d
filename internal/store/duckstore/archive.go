// Archive: the rows of a property as a replay reads them.
package duckstore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// archiveChunk is about how many rows one statement returns: an answer is in memory
// as a whole. Smaller: a day's files are read more often.
const archiveChunk = 200_000

// archive is a pinned set of segments. Replays use the engine of upkeep, so that
// queries keep their memory.
type archive struct {
	store    *Store
	property event.PropertyID
	until    event.Time
	isFinal  bool
	// rowsFrom is from when on there are rows, if isDropped.
	rowsFrom  event.Time
	isDropped bool
	segments  map[store.Table][]store.Segment // of the property
	young     []store.Segment
	release   func()
}

// Archive implements store.Store.
func (s *Store) Archive(_ context.Context, p event.PropertyID) (store.Archive, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	// A manifest may be replaced between looking at it and holding its files.
	for try := 0; ; try++ {
		s.mu.Lock()
		m := cloneManifest(*s.manifest)
		s.mu.Unlock()
		a := &archive{store: s, property: p, segments: map[store.Table][]store.Segment{}}
		a.until, a.isFinal = m.FinalUntil[p]
		a.rowsFrom, a.isDropped = m.RowsFrom(p)
		var all []store.Segment
		for _, seg := range m.Segments {
			if !seg.Table.OfCells() && seg.MinProperty <= p && p <= seg.MaxProperty {
				a.segments[seg.Table] = append(a.segments[seg.Table], seg)
				all = append(all, seg)
			}
		}
		a.young = youngSegments(store.Manifest{Segments: all})
		if a.release, err = s.holdFiles(all); err == nil {
			return a, nil
		}
		if try == 2 {
			return nil, fmt.Errorf("pin archive: %w", err)
		}
	}
}

// Release implements store.Archive.
func (a *archive) Release() { a.release() }

// FinalUntil implements store.Archive.
func (a *archive) FinalUntil() (event.Time, bool) { return a.until, a.isFinal }

// RowsFrom implements store.Archive.
func (a *archive) RowsFrom() (event.Time, bool) { return a.rowsFrom, a.isDropped }

// within calls f while the store is open.
func (a *archive) within(ctx context.Context, f func(context.Context) error) error {
	leave, err := a.store.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := a.store.whileOpen(ctx)
	defer cancel()
	return f(ctx)
}

// Earliest implements store.Archive.
func (a *archive) Earliest(ctx context.Context) (t event.Time, found bool, err error) {
	segs := a.segments[store.FinalEvents]
	if len(segs) == 0 {
		return 0, false, nil
	}
	q := fmt.Sprintf("SELECT count(*), coalesce(min(event_time), 0) FROM %s WHERE property = %s",
		readParquet(a.store.paths(segs)), propertyLiteral(a.property))
	err = a.within(ctx, func(ctx context.Context) error {
		return a.store.writer.run(ctx, q, func(r *result) error {
			t, found = event.Time(r.int64(1, 0)), r.int64(0, 0) > 0
			return nil
		})
	})
	return t, found, err
}

// Count implements store.Archive.
func (a *archive) Count(ctx context.Context, r store.ArchiveRange) (n int64, err error) {
	err = a.within(ctx, func(ctx context.Context) error {
		n, err = a.count(ctx, r.Windows[0], r.Windows[len(r.Windows)-1])
		return err
	})
	return n, err
}

// count counts final events before the border and young ones from then on.
func (a *archive) count(ctx context.Context, lo, hi event.Time) (n int64, err error) {
	for _, side := range []struct {
		table  store.Table
		lo, hi event.Time
	}{{store.FinalEvents, lo, min(hi, a.border())}, {store.YoungEvents, max(lo, a.border()), hi}} {
		segs := between(a.segments[side.table], side.lo, side.hi)
		if len(segs) == 0 || side.lo >= side.hi {
			continue
		}
		q := fmt.Sprintf("SELECT count(*) FROM %s WHERE property = %s AND sub = 0 AND event_time >= %s AND event_time < %s",
			readParquet(a.store.paths(segs)), propertyLiteral(a.property), micros(side.lo), micros(side.hi))
		err = a.store.writer.run(ctx, q, func(res *result) error {
			n += res.int64(0, 0)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

func between(segs []store.Segment, lo, hi event.Time) []store.Segment {
	var out []store.Segment
	for _, seg := range segs {
		if seg.MinTime < hi && seg.MaxTime >= lo {
			out = append(out, seg)
		}
	}
	return out
}

// Events implements store.Archive.
func (a *archive) Events(ctx context.Context, r store.ArchiveRange,
	yield func(int, *store.ArchivedEvent) error) error {
	return a.within(ctx, func(ctx context.Context) error {
		for w := range len(r.Windows) - 1 {
			lo, hi := r.Windows[w], r.Windows[w+1]
			n, err := a.count(ctx, lo, hi)
			if err != nil {
				return fmt.Errorf("count archived events: %w", err)
			}
			chunks := 1 + n/archiveChunk
			for c := range chunks {
				if n == 0 {
					break
				}
				q, err := a.eventsQuery(lo, hi, r.SessionsFrom, fmt.Sprintf("hash(e.client) %% %d = %d", chunks, c))
				if err != nil {
					return err
				}
				reader := &archiveReader{property: a.property, yield: func(e *store.ArchivedEvent) error { return yield(w, e) }}
				if err := a.store.writer.run(ctx, q, reader.chunk); err != nil {
					return fmt.Errorf("read archived events: %w", err)
				}
				if err := reader.end(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// eventsQuery renders the events of [lo, hi) with what their sessions say of them:
// young and final rows alike, in the order of rows.
func (a *archive) eventsQuery(lo, hi, sessionsFrom event.Time, cond string) (string, error) {
	with := ""
	var parts []string
	if mid := max(lo, a.border()); mid < hi {
		var err error
		with, err = a.store.withFinalRows(a.young, []span{{a.property, mid, hi}})
		if err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf("SELECT %s FROM ye e LEFT JOIN al a ON a.property = e.property AND a.part = e.part "+
			"JOIN se s ON s.property = e.property AND s.session = coalesce(a.session, e.part) WHERE s.start_time >= %s AND %s",
			archiveColumns("coalesce(a.session, e.part)", "e.event_key", "0"), micros(sessionsFrom), cond))
	}
	if final := a.finalEvents(lo, min(hi, a.border()), sessionsFrom, cond); final != "" {
		parts = append(parts, final)
	}
	if len(parts) == 0 {
		return "SELECT 1 WHERE false", nil
	}
	return with + " SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY row_id, sub", nil
}

func (a *archive) border() event.Time {
	if !a.isFinal {
		return math.MinInt64
	}
	return a.until
}

func (a *archive) finalEvents(lo, hi, sessionsFrom event.Time, cond string) string {
	if lo >= hi {
		return ""
	}
	earliest := sessionsFrom
	if lo > math.MinInt64+sessionSpan {
		earliest = max(earliest, lo-sessionSpan)
	}
	events := between(a.segments[store.FinalEvents], lo, hi)
	sessions := between(a.segments[store.FinalSessions], earliest, hi)
	if len(events) == 0 || len(sessions) == 0 {
		return ""
	}
	return fmt.Sprintf("SELECT %s FROM %s e JOIN (SELECT session, client_id, session_id, counted FROM %s "+
		"WHERE property = %[4]s AND start_time >= %[5]s AND start_time < %[7]s) s ON s.session = e.session "+
		"WHERE e.property = %[4]s AND e.event_time >= %[6]s AND e.event_time < %[7]s AND %[8]s",
		archiveColumns("e.session", "format('{:08d}', e.tie)", "e.tie"), a.store.rowsOf(store.FinalEvents, events),
		a.store.rowsOf(store.FinalSessions, sessions), propertyLiteral(a.property), micros(earliest), micros(lo), micros(hi), cond)
}

// Clients implements store.Archive.
func (a *archive) Clients(ctx context.Context, before event.Time, yield func(*store.ArchivedClient) error) error {
	before = min(before, a.border())
	segs := between(a.segments[store.FinalSessions], math.MinInt64, before)
	if len(segs) == 0 {
		return nil
	}
	var rows int64
	for _, seg := range segs {
		rows += seg.Rows
	}
	return a.within(ctx, func(ctx context.Context) error {
		chunks := 1 + rows/archiveChunk
		for c := range chunks {
			q := fmt.Sprintf("SELECT client, any_value(client_id), any_value(verdict), min(start_time), "+
				"count(*) FILTER (counted), coalesce(min(start_time) FILTER (counted), 0), %s, "+
				"coalesce(max(start_time) FILTER (counted AND own_source), 0), %s, count(*) FILTER (counted AND own_source) "+
				"FROM %s WHERE property = %s AND start_time < %s AND hash(client) %% %d = %d GROUP BY client",
				latestTexts("counted", "first_user_source", "first_user_medium", "first_user_campaign"),
				latestTexts("counted AND own_source", "session_source", "session_medium", "session_campaign"),
				a.store.rowsOf(store.FinalSessions, segs), propertyLiteral(a.property), micros(before), chunks, c)
			if err := a.store.writer.run(ctx, q, clientReader(yield)); err != nil {
				return fmt.Errorf("read archived clients: %w", err)
			}
		}
		return nil
	})
}

func latestTexts(cond string, columns ...string) string {
	out := make([]string, 0, len(columns))
	for _, c := range columns {
		out = append(out, fmt.Sprintf("coalesce(arg_max(%s, start_time) FILTER (%s), '')", c, cond))
	}
	return strings.Join(out, ", ")
}
