// question: a Query that was checked against the catalog and its limits.
package report

import (
	"fmt"
	"math"
	"time"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

// question is a checked Query with everything resolved that needs no rows.
type question struct {
	query   *Query
	columns []column // without the date range's
	// rangeAt is where the date range's name goes among the answer's dimensions, or -1.
	rangeAt int
	metrics []catalog.Metric
	index   map[string]int // of metrics, by name
	filter  *node
	having  metricTest
	spans   []span
	order   []sortKey

	eventParts, moneyParts, sessionParts []catalog.Part
	sessionRelation                      store.Relation

	users store.UserCount // of the plans being made
	asked *asked          // shared by copies of the question
}

// check resolves q.
func (e *Engine) check(q *Query) (*question, error) {
	qn := &question{query: q, rangeAt: -1, index: map[string]int{}, asked: &asked{}}
	for _, step := range []func(*question) error{
		e.checkDimensions, e.checkMetrics, e.checkSpans, e.checkFilter, checkPage, checkOrder,
	} {
		if err := step(qn); err != nil {
			return nil, err
		}
	}
	e.chooseRelations(qn)
	return qn, nil
}

func (e *Engine) checkDimensions(qn *question) error {
	refs := qn.query.Dimensions
	if len(refs) > MaxDimensions {
		return invalid("dimensions", "a report has at most %d dimensions", MaxDimensions)
	}
	seen := map[string]bool{}
	for i, ref := range refs {
		field := fmt.Sprintf("dimensions[%d]", i)
		c, err := e.expression(field, ref)
		if err != nil {
			return err
		}
		if seen[c.name] {
			return invalid(field, "dimension %q is asked for twice", cut(c.name))
		}
		seen[c.name] = true
		if c.rangeName {
			qn.rangeAt = i
			continue
		}
		qn.columns = append(qn.columns, c)
	}
	return nil
}

func (e *Engine) checkMetrics(qn *question) error {
	refs := qn.query.Metrics
	if len(refs) > MaxMetrics {
		return invalid("metrics", "a report has at most %d metrics", MaxMetrics)
	}
	if len(refs) == 0 && len(qn.columns) == 0 {
		return invalid("metrics", "a report needs a metric or a dimension")
	}
	for i, ref := range refs {
		field := fmt.Sprintf("metrics[%d].name", i)
		m, err := e.catalog.Metric(ref.Name)
		if err != nil {
			return invalidName(field, err)
		}
		if _, twice := qn.index[m.Name]; twice {
			return invalid(field, "metric %q is asked for twice", m.Name)
		}
		qn.index[m.Name] = i
		qn.metrics = append(qn.metrics, m)
	}
	return nil
}

func (e *Engine) checkSpans(qn *question) error {
	q := qn.query
	loc, err := e.zones.load(q.Property.TimeZone)
	if err != nil {
		return err
	}
	switch {
	case len(q.Ranges) > 0 && len(q.Realtime) > 0:
		return invalid("dateRanges", "a report has date ranges or minute ranges, not both")
	case len(q.Ranges) > 0:
		err = dateSpans(qn, loc)
	case len(q.Realtime) > 0:
		err = minuteSpans(qn, loc)
	default:
		return invalid("dateRanges", "a report needs a date range")
	}
	if err != nil {
		return err
	}
	return nameSpans(qn)
}

func dateSpans(qn *question, loc *time.Location) error {
	q := qn.query
	if len(q.Ranges) > MaxRanges {
		return invalid("dateRanges", "a report has at most %d date ranges", MaxRanges)
	}
	for i, r := range q.Ranges {
		field := fmt.Sprintf("dateRanges[%d]", i)
		switch {
		case !r.Start.Valid():
			return invalid(field+".startDate", "%s is not a day", r.Start)
		case !r.End.Valid():
			return invalid(field+".endDate", "%s is not a day", r.End)
		case r.End.Before(r.Start):
			return invalid(field, "the range ends on %s, before it starts on %s", r.End, r.Start)
		case r.End.number()-r.Start.number() >= MaxRangeDays:
			return invalid(field, "a range has at most %d days", MaxRangeDays)
		}
		qn.spans = append(qn.spans, rangeSpan(r, loc))
	}
	for _, c := range qn.columns {
		if c.realtimeOnly != "" {
			return invalid("dimensions", "%s is a dimension of realtime reports only", c.realtimeOnly)
		}
	}
	return nil
}

func minuteSpans(qn *question, loc *time.Location) error {
	q := qn.query
	if len(q.Realtime) > MaxMinuteRanges {
		return invalid("minuteRanges", "a realtime report has at most %d minute ranges", MaxMinuteRanges)
	}
	for i, r := range q.Realtime {
		field := fmt.Sprintf("minuteRanges[%d]", i)
		switch {
		case r.StartMinutesAgo < 0 || r.StartMinutesAgo > MaxMinutesAgo:
			return invalid(field+".startMinutesAgo", "it lies between 0 and %d", MaxMinutesAgo)
		case r.EndMins < 0 || r.EndMins > r.StartMinutesAgo:
			return invalid(field+".endMinutesAgo", "it lies between 0 and startMinutesAgo")
		}
		qn.spans = append(qn.spans, minuteSpan(r, q.Now, loc))
	}
	return nil
}

// nameSpans gives unnamed ranges their names and, if there are several, their column.
func nameSpans(qn *question) error {
	seen := map[string]bool{}
	for i := range qn.spans {
		s := &qn.spans[i]
		if s.name == "" {
			s.name = fmt.Sprintf("date_range_%d", i)
		}
		if seen[s.name] {
			return invalid("dateRanges", "two ranges are named %q", cut(s.name))
		}
		seen[s.name] = true
	}
	if len(qn.spans) > 1 && qn.rangeAt < 0 {
		qn.rangeAt = len(qn.columns)
	}
	return nil
}

func (e *Engine) checkFilter(qn *question) error {
	if f := qn.query.DimensionFilter; f != nil {
		check := filterCheck{onLeaf: func(path string, f *FieldFilter) (*leaf, error) {
			return e.dimensionLeaf(qn, path, f)
		}}
		n, err := check.walk("dimensionFilter", f, 1)
		if err != nil {
			return err
		}
		qn.filter = n
	}
	var err error
	qn.having, err = metricFilter(qn.query.MetricFilter, qn.index)
	return err
}

func (e *Engine) dimensionLeaf(qn *question, path string, f *FieldFilter) (*leaf, error) {
	col, err := e.filterColumn(qn, path, f.Name)
	if err != nil {
		return nil, err
	}
	match, err := textMatch(path, f)
	return &leaf{col: col, field: *f, match: match}, err
}

// filterColumn finds a dimension by the name it has in this report, or in the catalog.
func (e *Engine) filterColumn(qn *question, path, name string) (column, error) {
	for _, c := range qn.columns {
		if c.name == name {
			return c, nil
		}
	}
	c, err := e.named(path+".fieldName", name)
	switch {
	case err != nil:
		return column{}, err
	case c.rangeName:
		return column{}, invalid(path+".fieldName", "%s cannot be filtered by", name)
	case c.realtimeOnly != "" && len(qn.query.Realtime) == 0:
		return column{}, invalid(path+".fieldName", "%s is a dimension of realtime reports only", name)
	}
	return c, nil
}

func checkPage(qn *question) error {
	switch q := qn.query; {
	case q.Offset < 0:
		return invalid("offset", "it must not be negative")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return invalid("limit", "it lies between 1 and %d", MaxLimit)
	}
	return nil
}

// chooseRelations settles which rows answer for which parts (S20, S21).
func (e *Engine) chooseRelations(qn *question) {
	var need [catalog.NumParts]bool
	for _, m := range qn.metrics {
		for _, p := range m.Parts() {
			need[p] = true
		}
	}
	if len(qn.metrics) == 0 {
		need[catalog.Events] = true
	}
	for p := catalog.NoPart + 1; p < catalog.NumParts; p++ {
		switch {
		case !need[p]:
		case p.OfSessions():
			qn.sessionParts = append(qn.sessionParts, p)
		case p.OfMoney():
			qn.moneyParts = append(qn.moneyParts, p)
		default:
			qn.eventParts = append(qn.eventParts, p)
		}
	}
	if qn.query.KeepEmptyRows && len(qn.moneyParts) > 0 && len(qn.eventParts) == 0 {
		qn.eventParts = []catalog.Part{catalog.Events} // rows of events that carry no money
	}
	qn.sessionRelation = store.Sessions
	ofEvents := false
	for _, c := range qn.columns {
		ofEvents = ofEvents || c.ofEvents
	}
	qn.filter.fields(func(l *leaf) { ofEvents = ofEvents || l.col.ofEvents })
	if ofEvents {
		qn.sessionRelation = store.EventSessions
	}
}

// values computes the metrics of one group.
func (qn *question) values(parts *[catalog.NumParts]int64) []float64 {
	values := make([]float64, len(qn.metrics))
	for i, m := range qn.metrics {
		values[i] = m.Value(parts)
		if math.IsNaN(values[i]) {
			panic("BUG: metric " + m.Name + " is not a number")
		}
	}
	return values
}
