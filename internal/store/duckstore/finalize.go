// Finalization: young rows become final rows, once (S28).
package duckstore

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

// ownFileRows is from how many rows on a property's final events get a file
// of their own; smaller ones share one.
const ownFileRows = 2_000_000

// span is the part of a property that becomes final: lo <= t < hi.
type span struct {
	property event.PropertyID
	lo, hi   event.Time
}

// Finalize implements store.Store.
func (s *Store) Finalize(ctx context.Context, m store.Manifest,
	until map[event.PropertyID]event.Time) (*store.Change, error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	spans := spansOf(m, until)
	if len(spans) == 0 {
		return nil, nil
	}
	young := youngSegments(m)
	release, err := s.holdFiles(young)
	if err != nil {
		return nil, fmt.Errorf("finalize: %w", err)
	}
	defer release()
	change := &store.Change{}
	if change.Added, err = s.writeFinal(ctx, young, spans); err != nil {
		return nil, fmt.Errorf("finalize: %w", err)
	}
	final := maps.Clone(m.FinalUntil)
	if final == nil {
		final = map[event.PropertyID]event.Time{}
	}
	for _, sp := range spans {
		final[sp.property] = sp.hi
	}
	if change.Removed, err = s.unneeded(ctx, young, final); err != nil {
		return nil, fmt.Errorf("finalize: find unneeded segments: %w", err)
	}
	if len(change.Added) == 0 && len(change.Removed) == 0 {
		return nil, nil
	}
	return change, nil
}

// spansOf lists, in order of property, what becomes final.
func spansOf(m store.Manifest, until map[event.PropertyID]event.Time) []span {
	var out []span
	for _, p := range slices.Sorted(maps.Keys(until)) {
		if lo := finalUntil(&m, p); lo < until[p] {
			out = append(out, span{p, lo, until[p]})
		}
	}
	return out
}

func youngSegments(m store.Manifest) []store.Segment {
	var out []store.Segment
	for _, seg := range m.Segments {
		if slices.Contains(youngTables(), seg.Table) {
			out = append(out, seg)
		}
	}
	return out
}

// writeFinal writes the final rows: one file of sessions, one of the events of
// small properties, one of events for each large property.
func (s *Store) writeFinal(ctx context.Context, young []store.Segment, spans []span) ([]store.Segment, error) {
	large, err := s.largeProperties(ctx, young, spans)
	if err != nil {
		return nil, err
	}
	var small []span
	var specs []segmentSpec
	for _, sp := range spans {
		if !large[sp.property] {
			small = append(small, sp)
			continue
		}
		q, err := s.finalQuery(store.FinalEvents, young, []span{sp})
		if err != nil {
			return nil, err
		}
		specs = append(specs, segmentSpec{table: store.FinalEvents, query: q})
	}
	for _, file := range []struct {
		table store.Table
		spans []span
	}{{store.FinalEvents, small}, {store.FinalSessions, spans}} {
		if len(file.spans) == 0 {
			continue
		}
		q, err := s.finalQuery(file.table, young, file.spans)
		if err != nil {
			return nil, err
		}
		specs = append(specs, segmentSpec{table: file.table, query: q})
	}
	return s.writeSpecs(ctx, s.writer, specs)
}

// largeProperties counts events per property and returns those with many.
func (s *Store) largeProperties(ctx context.Context, young []store.Segment,
	spans []span) (map[event.PropertyID]bool, error) {
	large := map[event.PropertyID]bool{}
	q, err := s.withFinalRows(young, spans)
	if err != nil {
		return nil, err
	}
	q += fmt.Sprintf("SELECT property FROM ye GROUP BY property HAVING count(*) >= %d", ownFileRows)
	err = s.writer.run(ctx, q, func(r *result) error {
		for i := range r.rows {
			large[event.PropertyID(r.uint64(0, i))] = true
		}
		return nil
	})
	return large, err
}

// withFinalRows renders the CTEs of final_rows.sql.
func (s *Store) withFinalRows(young []store.Segment, spans []span) (string, error) {
	lo, hi := event.Time(math.MaxInt64), event.Time(math.MinInt64)
	values := make([]string, 0, len(spans))
	for _, sp := range spans {
		lo, hi = min(lo, sp.lo), max(hi, sp.hi)
		values = append(values, fmt.Sprintf("(%s, %s, %s)",
			propertyLiteral(sp.property), micros(sp.lo), micros(sp.hi)))
	}
	source := func(t store.Table, keep func(store.Segment) bool) string {
		var segs []store.Segment
		for _, seg := range young {
			if seg.Table == t && seg.MaxProperty >= spans[0].property &&
				seg.MinProperty <= spans[len(spans)-1].property && (keep == nil || keep(seg)) {
				segs = append(segs, seg)
			}
		}
		if len(segs) == 0 {
			return emptyTable(t)
		}
		return s.rowsOf(t, segs)
	}
	var b strings.Builder
	err := s.dialect.templates.ExecuteTemplate(&b, "final_rows.sql", map[string]string{
		"Spans": strings.Join(values, ", "),
		"Events": source(store.YoungEvents, func(seg store.Segment) bool {
			return seg.MaxTime >= lo && seg.MinTime < hi
		}),
		"Sessions": source(store.YoungSessions, nil),
		"Aliases":  source(store.YoungAliases, nil),
	})
	if err != nil {
		return "", fmt.Errorf("render final rows: %w", err)
	}
	return b.String(), nil
}

// finalQuery renders the final rows of a table in file order.
func (s *Store) finalQuery(t store.Table, young []store.Segment, spans []span) (string, error) {
	with, err := s.withFinalRows(young, spans)
	if err != nil {
		return "", err
	}
	if t == store.FinalSessions {
		return fmt.Sprintf("%s SELECT %s FROM se WHERE start_time >= lo AND start_time < hi ORDER BY %s",
			with, s.schema.list(t, ""), sortOrder(t)), nil
	}
	tie, join := s.ties(young)
	columns := []string{"e.property", "e.event_time", "e.row_id", "e.sub",
		"coalesce(a.session, e.part) AS session", "coalesce(s.counted, false) AS counted",
		s.dialect.events[store.ColFirstEvent].young + " AS first_event",
		"coalesce(s.user_id, '') AS session_user_id"}
	for _, c := range eventFacts() {
		columns = append(columns, "e."+c.name)
	}
	for _, c := range sessionTexts() {
		columns = append(columns, throughSession(store.Column(c.name)).young+" AS "+c.name)
	}
	columns = append(columns, tie+" AS tie")
	return fmt.Sprintf("%s SELECT %s FROM ye e"+join+" LEFT JOIN al a ON a.property = e.property AND a.part = e.part "+
		"LEFT JOIN se s ON s.property = e.property AND s.session = coalesce(a.session, e.part) "+
		"ORDER BY %s", with, strings.Join(columns, ", "), "e.property, e.event_time, e.row_id, e.sub"), nil
}
