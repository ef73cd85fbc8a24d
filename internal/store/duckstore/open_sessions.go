// Open sessions: what keeps days from becoming final.
package duckstore

import (
	"context"
	"fmt"
	"maps"

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
	// The ranges are kept, and the caller's map may change.
	out, err := s.youngRange(ctx, young, maps.Clone(m.FinalUntil))
	if err != nil {
		return nil, fmt.Errorf("find young events: %w", err)
	}
	if err := s.earliestOpen(ctx, young, finalThrough, out); err != nil {
		return nil, fmt.Errorf("find open sessions: %w", err)
	}
	return out, nil
}

// earliestOpen fills in the earliest start before finalThrough of a session that
// may still grow. Few sessions contain one moment, and the statistics of row groups
// lead to them; only their highest revisions are looked for everywhere.
func (s *Store) earliestOpen(ctx context.Context, young []store.Segment, finalThrough event.Time,
	out map[event.PropertyID]store.Open) error {
	files := s.tableFiles(young, store.YoungSessions)
	if files == "" {
		return nil
	}
	q := fmt.Sprintf("WITH c AS (SELECT property, session, revision, start_time FROM %[1]s "+
		"WHERE start_time < %[2]s AND closes > %[2]s AND counted AND NOT tombstone), "+
		"top AS (SELECT property, session, max(revision) AS revision FROM %[1]s "+
		"SEMI JOIN c USING (property, session) GROUP BY property, session) "+
		"SELECT property, min(start_time) FROM c JOIN top USING (property, session, revision) GROUP BY property",
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
