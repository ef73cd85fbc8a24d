// Dropping young segments: which of them no later day needs.
package duckstore

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// unneeded returns the young segments that no later day needs.
func (s *Store) unneeded(ctx context.Context, young []store.Segment,
	final map[event.PropertyID]event.Time) ([]uint64, error) {
	var latest event.Time
	for _, t := range final {
		latest = max(latest, t)
	}
	byTable := map[store.Table][]store.Segment{}
	for _, seg := range young {
		if seg.LastNeeded+keptFor(seg.Table) >= latest {
			continue
		}
		past, err := s.isPast(ctx, seg, final)
		if err != nil {
			return nil, err
		}
		if past {
			byTable[seg.Table] = append(byTable[seg.Table], seg)
		}
	}
	var out []uint64
	for _, t := range youngTables() {
		drop, err := s.withoutResurrection(ctx, t, byTable[t], young)
		if err != nil {
			return nil, err
		}
		for _, seg := range drop {
			out = append(out, seg.ID)
		}
	}
	return out, nil
}

// keptFor is how long after its last time a row may still be joined. A session's
// last revision ends with its last event. A part usually lies within a local day,
// but not after a change of the property's zone, and its alias may be older than its
// last event (joinMargin).
func keptFor(t store.Table) event.Time {
	if t == store.YoungAliases {
		return joinMargin
	}
	return 0
}

// isPast says whether each row of seg is last needed before its property's
// final time. A tombstone has no times; it is past if the rest is.
func (s *Store) isPast(ctx context.Context, seg store.Segment,
	final map[event.PropertyID]event.Time) (bool, error) {
	past := true
	q := fmt.Sprintf("SELECT property, max(%s) FROM %s GROUP BY property",
		neededColumn(seg.Table), readParquet(s.paths([]store.Segment{seg})))
	err := s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			until, ok := final[event.PropertyID(r.uint64(0, i))]
			past = past && ok && event.Time(r.int64(1, i))+keptFor(seg.Table) < until
		}
		return nil
	})
	return past, err
}

// withoutResurrection keeps a segment that holds the highest revision of
// something of which an older revision stays: without the tombstone, an
// absorbed session would count again. What is kept stays too, so this repeats
// until nothing more must be kept.
func (s *Store) withoutResurrection(ctx context.Context, t store.Table, drop,
	young []store.Segment) ([]store.Segment, error) {
	key := map[store.Table]string{store.YoungSessions: "session", store.YoungAliases: "part"}[t]
	for key != "" && len(drop) > 0 {
		var stay []store.Segment
		for _, seg := range young {
			if seg.Table == t && !containsSegment(drop, seg) {
				stay = append(stay, seg)
			}
		}
		if len(stay) == 0 {
			break
		}
		keep, err := s.newerThan(ctx, key, drop, stay)
		if err != nil {
			return nil, err
		}
		if len(keep) == 0 {
			break
		}
		drop = slices.DeleteFunc(drop, func(seg store.Segment) bool {
			return slices.Contains(keep, seg.File)
		})
	}
	return drop, nil
}

// newerThan returns the files among a that hold a higher revision of a key that
// b holds.
func (s *Store) newerThan(ctx context.Context, key string, a, b []store.Segment) ([]string, error) {
	q := fmt.Sprintf("SELECT DISTINCT a.filename FROM read_parquet(%[2]s, filename = true) a "+
		"JOIN read_parquet(%[3]s) b ON a.property = b.property AND a.%[1]s = b.%[1]s "+
		"WHERE b.revision < a.revision", key, quoteList(s.paths(a)), quoteList(s.paths(b)))
	var out []string
	err := s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			out = append(out, filepath.Base(r.text(0, i)))
		}
		return nil
	})
	return out, err
}

func containsSegment(segs []store.Segment, seg store.Segment) bool {
	return slices.ContainsFunc(segs, func(x store.Segment) bool { return x.ID == seg.ID })
}
