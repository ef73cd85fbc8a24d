// Ranges of young events: the earliest and latest time per property and
// segment. A segment never changes, so it is read once, and once more after a day
// has become final that ends within it.
package duckstore

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// timeRange is min <= t <= max.
type timeRange struct{ min, max event.Time }

// segmentRanges are the times of a segment's events that were not final when
// `final` held.
type segmentRanges struct {
	final map[event.PropertyID]event.Time
	of    map[event.PropertyID]timeRange
}

// holds says whether the ranges tell what is not final now.
func (r *segmentRanges) holds(final map[event.PropertyID]event.Time) bool {
	for p := range r.final {
		if _, ok := final[p]; !ok {
			return false
		}
	}
	for p, until := range final {
		before, had := r.final[p]
		if had && until < before {
			return false
		}
		if t, ok := r.of[p]; ok && until > t.min && until <= t.max {
			return false
		}
	}
	return true
}

// openRanges keeps the ranges of installed segments.
type openRanges struct {
	mu     sync.Mutex
	byFile map[string]*segmentRanges
}

// youngRange returns the properties with young events that are not yet final,
// and the earliest and latest of those.
func (s *Store) youngRange(ctx context.Context, young []store.Segment,
	final map[event.PropertyID]event.Time) (map[event.PropertyID]store.Open, error) {
	s.ranges.mu.Lock()
	defer s.ranges.mu.Unlock()
	out := map[event.PropertyID]store.Open{}
	keep := map[string]*segmentRanges{}
	for _, seg := range young {
		if seg.Table != store.YoungEvents {
			continue
		}
		r := s.ranges.byFile[seg.File]
		if r == nil || !r.holds(final) {
			var err error
			if r, err = s.readRanges(ctx, seg, final); err != nil {
				return nil, err
			}
		}
		keep[seg.File] = r
		addRanges(out, r, final)
	}
	s.ranges.byFile = keep
	return out, nil
}

// addRanges widens what is open by the ranges of a segment.
func addRanges(out map[event.PropertyID]store.Open, r *segmentRanges, final map[event.PropertyID]event.Time) {
	for p, t := range r.of {
		if until, ok := final[p]; ok && t.max < until {
			continue
		}
		o, ok := out[p]
		if !ok {
			o = store.Open{MinTime: t.min, MaxTime: t.max}
		}
		o.MinTime, o.MaxTime = min(o.MinTime, t.min), max(o.MaxTime, t.max)
		out[p] = o
	}
}

// readRanges reads the ranges of a segment.
func (s *Store) readRanges(ctx context.Context, seg store.Segment,
	final map[event.PropertyID]event.Time) (*segmentRanges, error) {
	spans := []string{fmt.Sprintf("(CAST(0 AS UBIGINT), %s)", micros(math.MinInt64))}
	for p, t := range final {
		if p >= seg.MinProperty && p <= seg.MaxProperty {
			spans = append(spans, fmt.Sprintf("(%s, %s)", propertyLiteral(p), micros(t)))
		}
	}
	q := fmt.Sprintf("WITH final(property, until) AS (VALUES %s) "+
		"SELECT property, min(event_time), max(event_time) FROM %s LEFT JOIN final USING (property) "+
		"WHERE event_time >= coalesce(until, %s) GROUP BY property",
		strings.Join(spans, ", "), readParquet(s.paths([]store.Segment{seg})), micros(math.MinInt64))
	r := &segmentRanges{final: final, of: map[event.PropertyID]timeRange{}}
	err := s.writer.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			r.of[event.PropertyID(res.uint64(0, i))] = timeRange{event.Time(res.int64(1, i)), event.Time(res.int64(2, i))}
		}
		return nil
	})
	return r, err
}
