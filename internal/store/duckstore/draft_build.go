// Making a draft: the rows of a property's young segments are written as final rows, and
// cells of these, as if the days were over.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// makeDraft makes a draft for the young days that p covers, in place of the one that is there.
func (s *Store) makeDraft(ctx context.Context, p *store.Plan) (err error) {
	sn, d := s.beginDraft(p)
	if d == nil {
		return nil
	}
	defer sn.Release()
	began := time.Now()
	var segs []store.Segment
	if err = s.touchHeads(ctx, sn, d); err == nil {
		segs, err = s.writeDraft(ctx, sn, d, p)
	}
	took := time.Since(began)
	s.mu.Lock()
	s.drafts.pause[d.property] = began.Add((draftPause + 1) * took)
	if err != nil {
		s.drafts.pause[d.property] = began.Add(took + draftPauseFailure)
	}
	g := s.endDraft(d, segs, err == nil)
	s.mu.Unlock()
	if err == nil {
		s.tel.drafts.Observe(took.Seconds())
	}
	s.log.Debug("draft of young days made", "property", d.property, "took", took, "error", err)
	return errors.Join(err, s.destroy(g))
}

// beginDraft takes the snapshot that a draft is of; from then on clients are noted.
func (s *Store) beginDraft(p *store.Plan) (*snapshot, *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drafts.building != nil || s.closed {
		return nil, nil
	}
	sn := s.snapshotLocked()
	until := finalUntil(sn.view.manifest, p.Property)
	d := &draft{property: p.Property, zone: p.ZoneName, until: until, from: max(until, p.From), to: p.To,
		seen: sn.seen, touched: map[uint64]struct{}{}, refs: 1}
	s.drafts.building = d
	return sn, d
}

// touchHeads notes the clients that have rows in heads: a draft is of segments.
func (s *Store) touchHeads(ctx context.Context, sn *snapshot, d *draft) error {
	for _, h := range sn.view.heads {
		for _, t := range []store.Table{store.YoungEvents, store.YoungSessions} {
			if h.count(t) == 0 {
				continue
			}
			q := "SELECT DISTINCT client FROM " + h.head.source(t, h.count(t), d.property)
			err := s.reader.run(ctx, q, func(r *result) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				for i := range r.rows {
					d.touched[r.uint64(0, i)] = struct{}{}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("find clients in heads: %w", err)
			}
		}
	}
	return nil
}

// writeDraft writes the files of d.
func (s *Store) writeDraft(ctx context.Context, sn *snapshot, d *draft, p *store.Plan) ([]store.Segment, error) {
	s.heavy.Lock()
	defer s.heavy.Unlock()
	young := youngSegments(*sn.view.manifest)
	for _, seg := range young {
		if err := s.verifyFile(seg.File); err != nil {
			return nil, err
		}
	}
	var specs []segmentSpec
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		q, err := s.finalQuery(t, young, []span{{d.property, d.from, d.to}})
		if err != nil {
			return nil, err
		}
		specs = append(specs, segmentSpec{table: t, query: q})
	}
	segs, err := s.writeSpecs(ctx, s.writer, specs)
	if err != nil || len(segs) == 0 {
		return segs, err
	}
	spans := []store.RollupSpan{{Property: d.property, From: d.from, To: d.to, Zone: p.Zone}}
	cells, err := (&rollupBuild{s: s, spans: spans, steps: stepsOf(spans)}).build(ctx, segs)
	if err != nil {
		return segs, err
	}
	return append(segs, cells.Added...), nil
}

// endDraft puts a draft into use, or drops it. Store.mu is held.
func (s *Store) endDraft(d *draft, segs []store.Segment, ok bool) garbage {
	s.drafts.building = nil
	for _, seg := range segs {
		s.segments[seg.File] = &segmentFile{seg: seg, refs: 1}
		delete(s.written, seg.File)
		if seg.Table == store.FinalEvents {
			d.most += int(seg.Rows)
		}
	}
	d.most = max(fewTouched, d.most/touchedShare)
	d.manifest = &store.Manifest{Segments: segs, FinalUntil: map[event.PropertyID]event.Time{d.property: d.to}}
	var g garbage
	if !ok || d.broken || s.closed || s.drafts.crowded(d) {
		return s.forgetDraft(d)
	}
	if old := s.drafts.of[d.property]; old != nil {
		g.files = append(g.files, s.forgetDraft(old).files...)
	}
	d.ready = true
	s.drafts.of[d.property] = d
	s.drafts.clock++
	d.used = s.drafts.clock
	if len(s.drafts.of) > maxDrafts {
		oldest := d
		for _, other := range s.drafts.of {
			if other.used < oldest.used {
				oldest = other
			}
		}
		g.files = append(g.files, s.forgetDraft(oldest).files...)
	}
	return g
}
