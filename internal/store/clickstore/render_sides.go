// Sides of a plan: young rows and final ones, and how they are put together.
package clickstore

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/store"
)

// sides returns who renders the young rows, the final ones, or both.
func (d *dialect) sides(p *store.Plan, v *view, pieces []store.TimeSpan) []*renderer {
	from, until := max(p.From, v.doc.rowsFrom()), v.doc.until()
	r := renderer{d: d, p: p, v: v, pieces: pieces}
	young, final := r, r
	young.from, young.to = max(from, until), p.To
	final.isFinal, final.from, final.to = true, from, min(p.To, until)
	switch {
	case final.from >= final.to || len(v.doc.Finals) == 0:
		return []*renderer{&young}
	case young.from >= young.to:
		return []*renderer{&final}
	}
	return []*renderer{&young, &final}
}

// side renders the statement of one side.
func (r *renderer) side(f fields) (string, error) {
	dims, err := r.dimensions()
	if err != nil {
		return "", err
	}
	if f.Where, err = predicate(r.p.Filter, r.dimensionText); err != nil {
		return "", err
	}
	name := "events.sql"
	switch r.p.Relation {
	case store.Events:
		err = r.eventFields(&f, dims)
	case store.Sessions:
		name = "sessions.sql"
		if r.isFinal {
			name = "final_sessions.sql"
		}
		err = r.sessionFields(&f, dims)
	case store.EventSessions:
		name = "distinct_sessions.sql"
		err = r.eventSessionFields(&f, dims)
	default:
		err = fmt.Errorf("%w: relation %d", store.ErrUnsupported, r.p.Relation)
	}
	if err != nil {
		return "", err
	}
	if len(dims) > 0 && r.p.Relation != store.EventSessions {
		f.GroupBy = "GROUP BY " + strings.Join(names("d", len(dims)), ", ")
	}
	return r.d.execute(name, f)
}

// bothSides puts young and final rows together: each side is grouped for itself, so that each
// server of a cluster does it with its own rows.
func (d *dialect) bothSides(p *store.Plan, sides []*renderer) (string, error) {
	var texts []string
	for _, r := range sides {
		r.count = parts
		text, err := r.side(fields{})
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return d.together(p, strings.Join(texts, "UNION ALL\n"), parts)
}

// together renders the answer over parts of it.
func (d *dialect) together(p *store.Plan, from string, count counting) (string, error) {
	aggs := make([]string, 0, len(p.Aggregates))
	for i, a := range p.Aggregates {
		name := "sum"
		if a.Op == store.DistinctUsers {
			name = map[counting]string{parts: "uniqExactMerge", sketches: usersSketchName("Merge")}[count]
		}
		aggs = append(aggs, fmt.Sprintf("toInt64(%s(x%d)) AS a%d", name, i, i))
	}
	return d.execute("together.sql", outer(p, aggs, from))
}

// outer are the fields of a statement over others.
func outer(p *store.Plan, aggs []string, from string) fields {
	dims := names("d", len(p.Dimensions))
	f := fields{Select: selectList(dims, aggs), Rows: strings.TrimSuffix(from, "\n")}
	if len(dims) > 0 {
		f.GroupBy = "GROUP BY " + strings.Join(dims, ", ")
	}
	if p.MaxRows > 0 {
		f.Limit = fmt.Sprintf("LIMIT %d", p.MaxRows+1)
	}
	return f
}

// numbersOf returns the columns of sessions that p aggregates, and the aggregates over n0, n1, ...
func (d *dialect) numbersOf(p *store.Plan) (columns []store.Column, aggs []string, err error) {
	r := &renderer{d: d, p: p}
	aggs, err = r.aggregates(func(c store.Column, k kind) (string, error) {
		s, ok := d.sessionNumbers[c]
		if !ok || s.kind != k {
			return "", unsupported(c, "an aggregate of sessions")
		}
		i := slices.Index(columns, c)
		if i < 0 {
			i, columns = len(columns), append(columns, c)
		}
		return fmt.Sprintf("n%d", i), nil
	}, noUser)
	return columns, aggs, err
}

// eventSessions renders the answer over distinct sessions. A session may have events in
// young and in final rows, and counts once over both.
func (d *dialect) eventSessions(p *store.Plan, sides []*renderer) (string, error) {
	columns, aggs, err := d.numbersOf(p)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, r := range sides {
		r.number = "m"
		if len(sides) == 1 {
			r.number = "n"
		}
		text, err := r.side(fields{})
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	if len(sides) == 1 {
		return d.execute("together.sql", outer(p, aggs, texts[0]))
	}
	f := outer(p, aggs, strings.Join(texts, "UNION ALL\n"))
	keys := append(names("d", len(p.Dimensions)), "id")
	f.Keys = strings.Join(keys, ", ")
	for i := range columns {
		keys = append(keys, fmt.Sprintf("any(m%d) AS n%d", i, i))
	}
	f.Revisions = strings.Join(keys, ", ")
	return d.execute("event_sessions.sql", f)
}
