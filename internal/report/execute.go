// Execution: plans are run and their rows grouped by the texts of the answer.
package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

// execution is one Run: a snapshot and the right to ask it.
type execution struct {
	engine *Engine
	snap   store.Snapshot
	slots  chan struct{}
}

// asked is what the answers to a question's plans say about themselves.
type asked struct {
	mu          sync.Mutex
	approximate bool
	rollups     map[string]bool // names; "" for rows
}

func (a *asked) note(rows *store.Rows) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rollups == nil {
		a.rollups = map[string]bool{}
	}
	a.approximate = a.approximate || rows.Approximate
	a.rollups[rows.Rollup] = true
}

// run asks the store, with at most as many plans at once as there are slots.
func (x *execution) run(ctx context.Context, qn *question, p *store.Plan) (*store.Rows, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err() // select would take a free slot all the same
	}
	select {
	case x.slots <- struct{}{}:
		defer func() { <-x.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.MaxRows = x.engine.cfg.MaxRows
	rows, err := x.snap.Run(ctx, p)
	if errors.Is(err, store.ErrTooManyRows) {
		return nil, &InvalidError{Field: "dimensions",
			Message: fmt.Sprintf("the report has more than %d rows", x.engine.cfg.MaxRows),
			Hint:    "filter, ask for fewer days, or drop a dimension"}
	}
	var gone *store.GoneError
	if errors.As(err, &gone) {
		return nil, x.engine.goneError(qn, gone)
	}
	if err != nil {
		return nil, fmt.Errorf("run plan: %w", err)
	}
	qn.asked.note(rows)
	return rows, nil
}

// source is one relation that a question reads, and the parts it gives.
type source struct {
	rel   store.Relation
	parts []catalog.Part
}

// additive tells whether the parts of two groups add up to those of both.
func (s source) additive() bool {
	return s.rel != store.EventSessions && !slices.ContainsFunc(s.parts, catalog.Part.Distinct)
}

func (qn *question) sources() []source {
	var all []source
	if len(qn.eventParts) > 0 {
		all = append(all, source{store.Events, qn.eventParts})
	}
	if len(qn.moneyParts) > 0 {
		all = append(all, source{store.Events, qn.moneyParts})
	}
	if len(qn.sessionParts) > 0 {
		all = append(all, source{qn.sessionRelation, qn.sessionParts})
	}
	return all
}

func (qn *question) plan(s span, rel store.Relation, dims []store.Dimension, parts []catalog.Part, where predicate) *store.Plan {
	p := &store.Plan{
		Property: qn.query.Property.ID, Relation: rel, From: s.from, To: s.to, Zone: s.zone, Anchor: s.anchor,
		Dimensions: dims, Filter: where.some,
		ObservedUsers: qn.query.Property.ObservedUsers, AllVerdicts: qn.query.AllVerdicts,
		Users: qn.users, ZoneName: qn.query.Property.TimeZone,
	}
	for _, part := range parts {
		p.Aggregates = append(p.Aggregates, aggregateOf(part))
	}
	if len(p.Aggregates) == 0 {
		p.Aggregates = []store.Aggregate{{Op: store.Count}}
	}
	return p
}

// aggregateOf says how the store counts a part.
func aggregateOf(p catalog.Part) store.Aggregate {
	switch p {
	case catalog.Events, catalog.Sessions:
		return store.Aggregate{Op: store.Count}
	case catalog.Views:
		return store.Aggregate{Op: store.Count, Where: store.ColPageView}
	case catalog.KeyEvents:
		return store.Aggregate{Op: store.Count, Where: store.ColKeyEvent}
	case catalog.NewUsers:
		return store.Aggregate{Op: store.Count, Where: store.ColFirstEvent}
	case catalog.EngagementMillis:
		return store.Aggregate{Op: store.Sum, Column: store.ColEngagementMS}
	case catalog.ValueMicros:
		return store.Aggregate{Op: store.Sum, Column: store.ColValueMicros}
	case catalog.Users:
		return store.Aggregate{Op: store.DistinctUsers}
	case catalog.ActiveUsers:
		return store.Aggregate{Op: store.DistinctUsers, Where: store.ColActive}
	case catalog.EngagedSessions:
		return store.Aggregate{Op: store.Count, Where: store.ColEngaged}
	case catalog.SessionMicros:
		return store.Aggregate{Op: store.Sum, Column: store.ColDurationMicros}
	}
	panic(fmt.Sprintf("BUG: no aggregate for part %d", p))
}

// group is the parts of one combination of texts.
type group struct {
	dims  []string
	parts [catalog.NumParts]int64
	// stored are the store's values behind dims, if users are bounds only (users.go).
	stored [][]string
}

// groups are the rows of one span before metrics are computed.
type groups struct {
	byKey map[string]*group
	key   []byte
	// foreign are currencies other than the property's, of money left out (S35).
	foreign map[string]bool
	// bound: distinct users of some groups are bounds only.
	bound bool
}

func newGroups() *groups { return &groups{byKey: map[string]*group{}, foreign: map[string]bool{}} }

func (g *groups) at(dims []string) *group {
	g.key = g.key[:0]
	for _, d := range dims {
		g.key = append(append(g.key, d...), 0)
	}
	found, ok := g.byKey[string(g.key)]
	if !ok {
		found = &group{dims: dims}
		g.byKey[string(g.key)] = found
	}
	return found
}

// collect runs one source over s and adds its parts to g.
func (x *execution) collect(ctx context.Context, qn *question, s span, src source, where predicate, g *groups) error {
	if where.none || s.from >= s.to {
		return nil
	}
	if src.parts[0].OfMoney() {
		return x.collectMoney(ctx, qn, s, where, g)
	}
	layout := layoutOf(s, qn.columns)
	rows, err := x.run(ctx, qn, qn.plan(s, src.rel, layout.dims, src.parts, where))
	if err != nil {
		return err
	}
	g.bound = g.bound || rows.Bound
	merged := newMerges(layout)
	for r, numbers := range rows.Aggregates {
		values := valuesOf(rows, r)
		at := g.at(layout.texts(values))
		if rows.Bound {
			at.stored = append(at.stored, values)
		}
		merged.see(at, values)
		for k, part := range src.parts {
			at.parts[part] += numbers[k]
		}
	}
	if src.additive() || rows.Bound || !merged.any() {
		return nil // bounds of groups add up to a bound of both
	}
	return x.recount(ctx, qn, s, src, where, g, merged)
}

// layout maps columns to the dimensions of one plan.
type layout struct {
	columns []column
	dims    []store.Dimension // each once
	places  [][]int           // of each column's dims
	first   time.Time         // local time at which the range begins
}

func layoutOf(s span, columns []column) *layout {
	l := &layout{columns: columns, places: make([][]int, len(columns)), first: s.first}
	for i, c := range columns {
		for _, dim := range c.dims {
			at := slices.Index(l.dims, dim)
			if at < 0 {
				at = len(l.dims)
				l.dims = append(l.dims, dim)
			}
			l.places[i] = append(l.places[i], at)
		}
	}
	return l
}

// texts renders all columns from one row's values.
func (l *layout) texts(values []string) []string {
	texts := make([]string, len(l.columns))
	for i := range l.columns {
		texts[i] = l.text(i, values)
	}
	return texts
}

func (l *layout) text(i int, values []string) string {
	places := l.places[i]
	if l.columns[i].plain {
		return values[places[0]]
	}
	own := make([]string, len(places))
	for k, at := range places {
		own[k] = values[at]
	}
	return l.columns[i].render(own, l.first)
}

// valuesOf returns the dimensions of row r; a plan without dimensions has none.
func valuesOf(rows *store.Rows, r int) []string {
	if r >= len(rows.Dimensions) {
		return nil
	}
	return rows.Dimensions[r]
}

func tupleKey(values []string) string { return strings.Join(values, "\x00") }
