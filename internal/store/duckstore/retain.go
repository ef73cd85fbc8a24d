// Retention: segments are written again without the rows of days that are no longer
// kept; the cells of these days move into segments that nobody makes again (S30, T11).
// The old files go once no snapshot reads them.
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

// DropRows implements store.Store.
func (s *Store) DropRows(ctx context.Context, m store.Manifest, spans []store.RollupSpan) (*store.Change, error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, sp := range spans {
		if until, ok := m.FinalUntil[sp.Property]; !ok || sp.To > until {
			return nil, fmt.Errorf("drop rows of property %s: days before %v are not final", sp.Property, sp.To.Std())
		}
		if _, ok := store.DayStart(sp.To, sp.Zone); !ok {
			return nil, fmt.Errorf("drop rows of property %s: no day begins at %v", sp.Property, sp.To.Std())
		}
	}
	d := &rowDrop{s: s, spans: spans, m: &m}
	for _, seg := range m.Segments {
		if d.mayTouch(&seg) {
			d.segs = append(d.segs, seg)
		}
	}
	if len(d.segs) == 0 {
		return nil, nil
	}
	release, err := s.holdFiles(append(slices.Clone(d.segs), sketchesOf(m.Segments, d.segs...)...))
	if err != nil {
		return nil, fmt.Errorf("drop rows: %w", err)
	}
	defer release()
	change, err := d.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("drop rows: %w", err)
	}
	if len(change.Removed) == 0 {
		return nil, nil
	}
	return change, nil
}

// rowDrop is one call of DropRows.
type rowDrop struct {
	s     *Store
	spans []store.RollupSpan
	m     *store.Manifest
	segs  []store.Segment
	past  string // table of young sessions that go
	kept  []string
	keeps int64 // rows of kept
	cells *cellSources
}

// localTo is where the cells of a span end.
func localTo(sp store.RollupSpan) event.Time {
	to, _ := store.DayStart(sp.To, sp.Zone)
	return to
}

// mayTouch tells whether a segment can hold what goes or moves. Aliases name nobody, and go
// with their segment.
func (d *rowDrop) mayTouch(seg *store.Segment) bool {
	if seg.Table == store.YoungAliases || seg.Table.OfCells() && seg.Table != store.RollupCells {
		return false
	}
	return slices.ContainsFunc(d.spans, func(sp store.RollupSpan) bool {
		to := sp.To
		if seg.Table == store.RollupCells {
			to = localTo(sp)
		}
		return seg.MinProperty <= sp.Property && sp.Property <= seg.MaxProperty && (seg.MinTime < to || seg.Table == store.YoungSessions)
	})
}

func (d *rowDrop) run(ctx context.Context) (_ *store.Change, err error) {
	if err := d.findPast(ctx); err != nil {
		return nil, fmt.Errorf("find young sessions: %w", err)
	}
	defer func() { err = errors.Join(err, d.s.writer.exec(context.WithoutCancel(ctx), "DROP TABLE "+d.past)) }()
	d.cells = d.s.newCellSources()
	defer func() { err = errors.Join(err, d.cells.close(ctx)) }()
	change := &store.Change{}
	var specs []segmentSpec
	for _, seg := range d.segs {
		n, err := d.count(ctx, seg)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		spec := segmentSpec{table: seg.Table, level: seg.Level, rows: seg.Rows - n}
		if seg.Table == store.RollupCells {
			change.Removed = append(change.Removed, idsOf(seg, sketchesOf(d.m.Segments, seg))...)
			rows, err := d.cells.rows(ctx, seg, d.m.Segments)
			if err != nil {
				return nil, err
			}
			if err := d.keep(ctx, rows); err != nil {
				return nil, err
			}
			spec.query, spec.cells = d.pick(seg.Table, rows, "ANTI"), d.cells
		} else {
			change.Removed = append(change.Removed, seg.ID)
			spec.query = d.s.rowsQuery(seg.Table, "("+d.pick(seg.Table, d.rowsOf(seg), "ANTI")+")")
		}
		if spec.rows > 0 {
			specs = append(specs, spec)
		}
	}
	if len(d.kept) > 0 {
		specs = append(specs, segmentSpec{table: store.KeptCells, rows: d.keeps, cells: d.cells,
			query: strings.Join(d.kept, " UNION ALL BY NAME ")})
	}
	change.Added, err = d.s.writeSpecs(ctx, d.s.writer, specs)
	return change, err
}

// keep notes which cells of a segment move. Those of days before the first with rows do not:
// they were made in another zone, when these days had rows, and nothing has read them since.
func (d *rowDrop) keep(ctx context.Context, rows string) error {
	values := make([]string, 0, len(d.spans))
	for _, sp := range d.spans {
		since := event.Time(math.MinInt64)
		if from, gone := d.m.RowsFrom(sp.Property); gone {
			since = store.FloorDay(sp.Zone.Local(from))
		}
		values = append(values, fmt.Sprintf("(%s, %s, %s)", propertyLiteral(sp.Property), micros(since), micros(localTo(sp))))
	}
	q := fmt.Sprintf("SELECT x.* FROM %s x SEMI JOIN (VALUES %s) g(property, since, until) ON x.property = g.property "+
		"AND x.start_time >= g.since AND x.start_time < g.until", rows, strings.Join(values, ", "))
	n, err := d.countOf(ctx, q)
	if n > 0 {
		d.kept, d.keeps = append(d.kept, q), d.keeps+n
	}
	return err
}

// pick renders which rows of a segment go (SEMI) or stay (ANTI).
func (d *rowDrop) pick(t store.Table, from, join string) string {
	if t == store.YoungSessions {
		return fmt.Sprintf("SELECT x.* FROM %s x %s JOIN %s g ON x.property = g.property AND x.session = g.session", from, join, d.past)
	}
	return fmt.Sprintf("SELECT x.* FROM %s x %s JOIN (VALUES %s) g(property, until) ON x.property = g.property AND x.%s < g.until",
		from, join, d.borders(t), lastColumn(t))
}

func (d *rowDrop) rowsOf(seg store.Segment) string {
	if seg.Table == store.RollupCells {
		return readParquet(d.s.paths([]store.Segment{seg}))
	}
	return d.s.rowsOf(seg.Table, []store.Segment{seg})
}

// lastColumn is the time with whose day a row goes. A session is joined to its events as
// long as there are any; it began no later than it ended.
func lastColumn(t store.Table) string {
	if t == store.FinalSessions {
		return neededColumn(t)
	}
	return timeColumn(t)
}

// borders renders until when what a table holds goes, by property.
func (d *rowDrop) borders(t store.Table) string {
	values := make([]string, 0, len(d.spans))
	for _, sp := range d.spans {
		to := sp.To
		if t == store.RollupCells {
			to = localTo(sp)
		}
		values = append(values, fmt.Sprintf("(%s, %s)", propertyLiteral(sp.Property), micros(to)))
	}
	return strings.Join(values, ", ")
}

func (d *rowDrop) count(ctx context.Context, seg store.Segment) (int64, error) {
	return d.countOf(ctx, d.pick(seg.Table, d.rowsOf(seg), "SEMI"))
}

func (d *rowDrop) countOf(ctx context.Context, query string) (n int64, err error) {
	err = d.s.writer.run(ctx, "SELECT count(*) FROM ("+query+")", func(r *result) error {
		n = r.int64(0, 0)
		return nil
	})
	return n, err
}

// findPast makes the table of young sessions all of whose revisions ended before the
// border. All revisions go at once, with the tombstone: none that is older can count again.
func (d *rowDrop) findPast(ctx context.Context) error {
	var young []store.Segment
	for _, seg := range d.segs {
		if seg.Table == store.YoungSessions {
			young = append(young, seg)
		}
	}
	from := emptyTable(store.YoungSessions)
	if len(young) > 0 {
		from = d.s.rowsOf(store.YoungSessions, young)
	}
	d.past = fmt.Sprintf("past_%d", d.s.nextID.Add(1))
	return d.s.writer.exec(ctx, fmt.Sprintf("CREATE TABLE %s AS SELECT x.property, x.session FROM %s x "+
		"JOIN (VALUES %s) g(property, until) ON x.property = g.property "+
		"GROUP BY x.property, x.session HAVING max(x.end_time) < max(g.until)", d.past, from, d.borders(store.YoungSessions)))
}
