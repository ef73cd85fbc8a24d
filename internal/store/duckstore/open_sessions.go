// Open sessions: what keeps days from becoming final.
package duckstore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// OpenSessions implements store.Store.
func (s *Store) OpenSessions(ctx context.Context, m store.Manifest,
	finalThrough event.Time) (map[event.PropertyID]store.Open, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := s.whileOpen(ctx)
	defer cancel()
	young := youngSegments(m)
	release, err := s.holdFiles(young)
	if err != nil {
		return nil, fmt.Errorf("find open sessions: %w", err)
	}
	defer release()
	out, err := s.youngRange(ctx, young, m.FinalUntil)
	if err != nil {
		return nil, fmt.Errorf("find young events: %w", err)
	}
	if err := s.earliestOpen(ctx, young, finalThrough, out); err != nil {
		return nil, fmt.Errorf("find open sessions: %w", err)
	}
	return out, nil
}

// youngRange returns the properties with young events that are not yet final,
// and the earliest and latest of those.
func (s *Store) youngRange(ctx context.Context, young []store.Segment,
	final map[event.PropertyID]event.Time) (map[event.PropertyID]store.Open, error) {
	out := map[event.PropertyID]store.Open{}
	files := s.tableFiles(young, store.YoungEvents)
	if files == "" {
		return out, nil
	}
	spans := []string{fmt.Sprintf("(CAST(0 AS UBIGINT), %s)", micros(math.MinInt64))}
	for p, t := range final {
		spans = append(spans, fmt.Sprintf("(%s, %s)", propertyLiteral(p), micros(t)))
	}
	q := fmt.Sprintf("WITH final(property, until) AS (VALUES %s) "+
		"SELECT property, min(event_time), max(event_time) FROM %s LEFT JOIN final USING (property) "+
		"WHERE event_time >= coalesce(until, %s) GROUP BY property",
		strings.Join(spans, ", "), files, micros(math.MinInt64))
	err := s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			out[event.PropertyID(r.uint64(0, i))] = store.Open{
				MinTime: event.Time(r.int64(1, i)), MaxTime: event.Time(r.int64(2, i))}
		}
		return nil
	})
	return out, err
}

// earliestOpen fills in the earliest start of a session that may still grow.
func (s *Store) earliestOpen(ctx context.Context, young []store.Segment, finalThrough event.Time,
	out map[event.PropertyID]store.Open) error {
	files := s.tableFiles(young, store.YoungSessions)
	if files == "" {
		return nil
	}
	q := fmt.Sprintf("SELECT property, min(start_time) FROM ("+
		"SELECT property, arg_max(start_time, revision) AS start_time, arg_max(closes, revision) AS closes, "+
		"arg_max(counted AND NOT tombstone, revision) AS counts "+
		"FROM %s GROUP BY property, session) WHERE counts AND closes > %s GROUP BY property",
		files, micros(finalThrough))
	return s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			p := event.PropertyID(r.uint64(0, i))
			if o, ok := out[p]; ok {
				o.EarliestStart = event.Time(r.int64(1, i))
				out[p] = o
			}
		}
		return nil
	})
}

// tableFiles renders the segments of t as a source, "" if there are none.
func (s *Store) tableFiles(segs []store.Segment, t store.Table) string {
	var own []store.Segment
	for _, seg := range segs {
		if seg.Table == t {
			own = append(own, seg)
		}
	}
	if len(own) == 0 {
		return ""
	}
	return readParquet(s.paths(own))
}
