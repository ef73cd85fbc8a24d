// Answer: loops over all rows and sessions and gathers them in groups.
package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/internal/report"
)

// Answer answers q. It says nothing about freshness: all records are in.
func (o *Oracle) Answer(q *report.Query) (*report.Result, error) {
	a := &answer{query: q, world: o.world(q.Property.ID)}
	err := a.prepare()
	if err != nil {
		return nil, fmt.Errorf("read query: %w", err)
	}
	result := &report.Result{Dimensions: a.columns(), Metrics: a.visible(), Meta: report.Meta{
		TimeZone: q.Property.TimeZone, Currency: q.Property.Currency, Exact: true}}
	var rows []line
	for i := range a.ranges {
		of, err := a.rowsOf(i)
		if err != nil {
			return nil, err
		}
		if err := a.summarize(result, i, of); err != nil {
			return nil, err
		}
		rows = append(rows, of...)
	}
	if result.Meta.OtherCurrencies, err = a.otherCurrencies(); err != nil {
		return nil, err
	}
	a.sort(rows)
	result.RowCount = len(rows)
	for _, r := range cut(rows, q.Offset, q.Limit) {
		result.Rows = append(result.Rows, report.Row{
			Dimensions: r.dimensions, Metrics: a.onlyVisible(r.metrics)})
	}
	return result, nil
}

// answer is one question on its way.
type answer struct {
	query *report.Query
	world *world
	asker asker

	dimensions []dimension
	metrics    []metric
	ranges     []span
	// throughEvents: sessions are those of the matching events (S21).
	throughEvents bool
}

// line is a row of the answer with all its metrics, also those not shown.
type line struct {
	dimensions []string
	metrics    []float64
}

// prepare looks every name up, so that a wrong one is an error also when there is no data.
func (a *answer) prepare() error {
	q := a.query
	loc, err := time.LoadLocation(q.Property.TimeZone)
	if err != nil {
		return fmt.Errorf("load time zone: %w", err)
	}
	a.asker = asker{location: loc, now: q.Now, first: &time.Time{}}
	for _, ref := range q.Dimensions {
		d, err := a.expression(ref)
		if err != nil {
			return err
		}
		a.dimensions = append(a.dimensions, d)
		a.throughEvents = a.throughEvents || d.eventScope
	}
	for _, ref := range q.Metrics {
		m, err := findMetric(ref.Name)
		if err != nil {
			return err
		}
		a.metrics = append(a.metrics, m)
	}
	if err := a.checkFilters(); err != nil {
		return err
	}
	if a.ranges, err = spansOf(q, loc); err != nil {
		return err
	}
	return a.checkOrder()
}

// expression returns the dimension that a reference means.
func (a *answer) expression(ref report.DimensionRef) (dimension, error) {
	switch {
	case ref.LowerCase != "":
		return a.combine([]string{ref.LowerCase}, func(v []string) string { return strings.ToLower(v[0]) })
	case ref.UpperCase != "":
		return a.combine([]string{ref.UpperCase}, func(v []string) string { return strings.ToUpper(v[0]) })
	case len(ref.Concatenate) > 0:
		return a.combine(ref.Concatenate, func(v []string) string { return strings.Join(v, ref.Delimiter) })
	}
	return a.asker.findDimension(ref.Name)
}

// combine makes one dimension of several.
func (a *answer) combine(names []string, join func([]string) string) (dimension, error) {
	var parts []dimension
	var whole dimension
	for _, name := range names {
		d, err := a.asker.findDimension(name)
		if err != nil {
			return dimension{}, err
		}
		whole.eventScope = whole.eventScope || d.eventScope
		parts = append(parts, d)
	}
	whole.ofRow = func(r *row) string {
		values := make([]string, len(parts))
		for i, p := range parts {
			values[i] = p.ofRow(r)
		}
		return join(values)
	}
	whole.ofSession = func(s *session) string {
		values := make([]string, len(parts))
		for i, p := range parts {
			values[i] = p.ofSession(s)
		}
		return join(values)
	}
	return whole, nil
}

// rowsOf returns the lines of one range.
func (a *answer) rowsOf(i int) ([]line, error) {
	groups, err := a.gather(a.ranges[i], a.dimensions)
	if err != nil {
		return nil, err
	}
	if len(a.dimensions) == 0 && groups[""] == nil {
		groups[""] = a.newGroup(nil) // all of nothing is a row too, though one of zeros
	}
	var lines []line
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		l := a.compute(groups[key])
		if len(a.ranges) > 1 {
			l.dimensions = append(l.dimensions, a.ranges[i].name)
		}
		keep, err := a.having(l)
		if err != nil {
			return nil, err
		}
		if keep && (a.query.KeepEmptyRows || !allZero(a.onlyVisible(l.metrics))) {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// gather puts every matching row and session of a range into its group.
func (a *answer) gather(in span, dimensions []dimension) (map[string]*group, error) {
	*a.asker.first = in.first
	groups := map[string]*group{}
	groupOf := func(values []string) *group {
		key := strings.Join(values, "\x00")
		if groups[key] == nil {
			groups[key] = a.newGroup(values)
		}
		return groups[key]
	}
	needRows, needSessions := a.needs()
	for _, r := range a.world.rows {
		if !in.holds(r.time()) || (r.facts.Verdict != "" && !a.query.AllVerdicts) {
			continue
		}
		ok, err := holds(a.query.DimensionFilter, a.cellOf(func(d dimension) string { return d.ofRow(r) }))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		throughThis := needSessions && a.throughEvents && r.session != nil
		if !needRows && !throughThis {
			continue
		}
		g := groupOf(values(dimensions, func(d dimension) string { return d.ofRow(r) }))
		g.rows = append(g.rows, r)
		if throughThis {
			g.sessions[r.session] = true
		}
	}
	if !needSessions || a.throughEvents {
		return groups, nil
	}
	for _, s := range a.world.sessions {
		if !in.holds(s.start) || (s.client.verdict != "" && !a.query.AllVerdicts) {
			continue
		}
		ok, err := holds(a.query.DimensionFilter, a.cellOf(func(d dimension) string { return d.ofSession(s) }))
		if err != nil {
			return nil, err
		}
		if ok {
			groupOf(values(dimensions, func(d dimension) string { return d.ofSession(s) })).sessions[s] = true
		}
	}
	return groups, nil
}

func (a *answer) newGroup(dimensions []string) *group {
	return &group{dimensions: dimensions, sessions: map[*session]bool{},
		observed: a.query.Property.ObservedUsers, currency: a.query.Property.Currency}
}

// needs tells which of rows and sessions the metrics are made of.
func (a *answer) needs() (rows, sessions bool) {
	for _, m := range a.metrics {
		rows, sessions = rows || m.readsRows, sessions || m.readsSessions
	}
	return rows || len(a.metrics) == 0, sessions
}

func (a *answer) compute(g *group) line {
	l := line{dimensions: slices.Clone(g.dimensions)}
	for _, m := range a.metrics {
		l.metrics = append(l.metrics, m.of(g))
	}
	return l
}

// cellOf reads dimensions for filters.
func (a *answer) cellOf(read func(dimension) string) cell {
	return func(name string) (string, float64, bool, error) {
		d, err := a.asker.findDimension(name)
		if err != nil {
			return "", 0, false, err
		}
		return read(d), 0, false, nil
	}
}

func values(dimensions []dimension, read func(dimension) string) []string {
	out := make([]string, len(dimensions))
	for i, d := range dimensions {
		out[i] = read(d)
	}
	return out
}

// allZero tells whether there are numbers and none of them says anything.
func allZero(numbers []float64) bool {
	for _, n := range numbers {
		if n != 0 {
			return false
		}
	}
	return len(numbers) > 0
}
