// Evaluation: what a plan means, row by row.
package storetest

import (
	"fmt"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// joined is an event with its session as it is now; session is nil if no
// revision of it is known.
type joined struct {
	event   store.EventRow
	id      event.RowID
	session *store.SessionRow
}

// relation is what plans of one property read.
type relation struct {
	events   []joined
	sessions []store.SessionRow
}

// row is a row of any relation: event is nil for Sessions.
type row struct {
	event   *store.EventRow
	session *store.SessionRow
	id      event.RowID
	time    event.Time
}

// group is one row of an answer in the making.
type group struct {
	dims  []string
	aggs  []int64
	users []map[string]bool
}

// evaluate answers p from rel.
func evaluate(p *store.Plan, rel *relation) (*store.Rows, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	return evaluateAll([]source{{p, rel}})
}

// source is rows, and the plan as it reads them.
type source struct {
	plan *store.Plan
	rel  *relation
}

// evaluateAll answers one plan from all sources. Their plans differ in times only.
func evaluateAll(sources []source) (*store.Rows, error) {
	p := sources[0].plan
	groups := map[string]*group{}
	if len(p.Dimensions) == 0 {
		groups[""] = newGroup(p, []string{}) // an answer without dimensions has one row
	}
	for _, src := range sources {
		src.group(groups)
	}
	return answer(p, groups)
}

// group adds the rows of a source to groups.
func (src source) group(groups map[string]*group) {
	p := src.plan
	seen := map[string]bool{}
	for _, r := range rowsOf(p, src.rel) {
		if !matches(p.Filter, p, r) {
			continue
		}
		dims := make([]string, len(p.Dimensions))
		for i, d := range p.Dimensions {
			dims[i] = dimension(d, p, r)
		}
		key := strings.Join(dims, "\xff")
		if p.Relation == store.EventSessions {
			distinct := fmt.Sprintf("%s\xff%d", key, r.id)
			if seen[distinct] {
				continue
			}
			seen[distinct] = true
		}
		if groups[key] == nil {
			groups[key] = newGroup(p, dims)
		}
		groups[key].add(p, r)
	}
}

func answer(p *store.Plan, groups map[string]*group) (*store.Rows, error) {
	if p.MaxRows > 0 && len(groups) > p.MaxRows {
		return nil, store.ErrTooManyRows
	}
	rows := &store.Rows{}
	for _, g := range groups {
		for i, users := range g.users {
			if users != nil {
				g.aggs[i] = int64(len(users))
			}
		}
		rows.Dimensions = append(rows.Dimensions, g.dims)
		rows.Aggregates = append(rows.Aggregates, g.aggs)
	}
	return rows, nil
}

func newGroup(p *store.Plan, dims []string) *group {
	g := &group{dims: dims, aggs: make([]int64, len(p.Aggregates)),
		users: make([]map[string]bool, len(p.Aggregates))}
	for i, a := range p.Aggregates {
		if a.Op == store.DistinctUsers {
			g.users[i] = map[string]bool{}
		}
	}
	return g
}

func (g *group) add(p *store.Plan, r row) {
	for i, a := range p.Aggregates {
		if a.Where != "" && !truth(a.Where, r) {
			continue
		}
		switch a.Op {
		case store.Count:
			g.aggs[i]++
		case store.Sum:
			g.aggs[i] += number(a.Column, r)
		case store.DistinctUsers:
			g.users[i][user(p, r)] = true
		}
	}
}

// user tells users apart (S9).
func user(p *store.Plan, r row) string {
	if p.ObservedUsers && r.session != nil && r.session.UserID != "" {
		return "user " + r.session.UserID
	}
	return fmt.Sprint("client ", r.event.Client)
}

// rowsOf lists the rows of p's relation within its time and verdict.
func rowsOf(p *store.Plan, rel *relation) []row {
	var out []row
	within := func(t event.Time, verdict string) bool {
		return p.From <= t && t < p.To && (p.AllVerdicts || verdict == "")
	}
	if p.Relation == store.Sessions {
		for i := range rel.sessions {
			s := &rel.sessions[i]
			if s.Counted && within(s.Start, s.Verdict) {
				out = append(out, row{session: s, id: s.Session, time: s.Start})
			}
		}
		return out
	}
	for i := range rel.events {
		j := &rel.events[i]
		counted := j.session != nil && j.session.Counted
		if within(j.event.EventTime, j.event.Verdict) && (p.Relation == store.Events || counted) {
			out = append(out, row{event: &j.event, session: j.session, id: j.id, time: j.event.EventTime})
		}
	}
	return out
}

func matches(f *store.Predicate, p *store.Plan, r row) bool {
	switch {
	case f == nil:
		return true
	case f.Leaf != nil:
		return matchText(f.Leaf, dimension(f.Leaf.Dimension, p, r))
	case f.Not != nil:
		return !matches(f.Not, p, r)
	case len(f.And) > 0:
		for _, sub := range f.And {
			if !matches(sub, p, r) {
				return false
			}
		}
		return true
	case len(f.Or) > 0:
		for _, sub := range f.Or {
			if matches(sub, p, r) {
				return true
			}
		}
		return false
	}
	return true
}
