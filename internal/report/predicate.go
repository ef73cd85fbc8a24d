// Predicates: a checked filter rendered for one relation and span. What the
// store cannot compare as one text is looked up first: the values that exist
// are compared in Go, and those that match are sent as a list.
package report

import (
	"context"
	"slices"
	"strings"
	"time"

	"tidemark/internal/store"
)

// predicate is a filter whose constant cases are known. Exactly one of all,
// none and some is set.
type predicate struct {
	all, none bool
	some      *store.Predicate
}

func allRows() predicate { return predicate{all: true} }

func (p predicate) and(q predicate) predicate { return join([]predicate{p, q}, true) }

func (p predicate) negated() predicate {
	if p.some == nil {
		return predicate{all: p.none, none: p.all}
	}
	return predicate{some: &store.Predicate{Not: p.some}}
}

// join connects parts by and, or by or.
func join(parts []predicate, and bool) predicate {
	var rest []*store.Predicate
	for _, p := range parts {
		switch {
		case p.some != nil:
			rest = append(rest, p.some)
		case p.none == and:
			return p // one false makes an "and" false, one true an "or" true
		}
	}
	switch {
	case len(rest) == 0:
		return predicate{all: and, none: !and}
	case len(rest) == 1:
		return predicate{some: rest[0]}
	case and:
		return predicate{some: &store.Predicate{And: rest}}
	}
	return predicate{some: &store.Predicate{Or: rest}}
}

// predicateOf renders n for rows of a relation within s.
func (x *execution) predicateOf(ctx context.Context, qn *question, n *node, s span, rel store.Relation) (predicate, error) {
	switch {
	case n == nil:
		return allRows(), nil
	case n.leaf != nil && n.leaf.col.plain:
		return predicate{some: &store.Predicate{Leaf: n.leaf.storeLeaf()}}, nil
	case n.leaf != nil && n.leaf.col.codes != nil:
		return n.leaf.amongCodes(), nil
	case n.leaf != nil:
		return x.lookUp(ctx, qn, n.leaf, s, rel)
	case n.not != nil:
		p, err := x.predicateOf(ctx, qn, n.not, s, rel)
		return p.negated(), err
	}
	nodes, and := n.and, true
	if len(nodes) == 0 {
		nodes, and = n.or, false
	}
	parts := make([]predicate, len(nodes))
	for i, child := range nodes {
		p, err := x.predicateOf(ctx, qn, child, s, rel)
		if err != nil {
			return predicate{}, err
		}
		parts[i] = p
	}
	return join(parts, and), nil
}

// amongCodes names the codes that match l, or excludes those that do not if a
// missing one matches too. No row is read for it.
func (l *leaf) amongCodes() predicate {
	var matching, others [][]string
	for _, code := range l.col.codes {
		if l.match(l.col.render([]string{code}, time.Time{})) {
			matching = append(matching, []string{code})
		} else {
			others = append(others, []string{code})
		}
	}
	if l.match(l.col.render([]string{store.NotSet}, time.Time{})) {
		return tuples(l.col.dims, others).negated()
	}
	return tuples(l.col.dims, matching)
}

// lookUp finds the values of a composed column that match l.
func (x *execution) lookUp(ctx context.Context, qn *question, l *leaf, s span, rel store.Relation) (predicate, error) {
	if rel == store.EventSessions {
		rel = store.Events // its rows are matched as events are
	}
	plan := qn.plan(s, rel, l.col.dims, nil, allRows())
	rows, err := x.run(ctx, qn, plan)
	if err != nil {
		return predicate{}, err
	}
	var matching, others [][]string
	for _, values := range rows.Dimensions {
		if l.match(l.col.render(values, s.first)) {
			matching = append(matching, values)
		} else {
			others = append(others, values)
		}
	}
	return fewer(l.col.dims, matching, others, l.col.name)
}

// fewer selects the matching tuples, by naming them or by excluding the
// others, whichever list is shorter.
func fewer(dims []store.Dimension, matching, others [][]string, name string) (predicate, error) {
	switch {
	case len(others) == 0:
		return allRows(), nil
	case min(len(matching), len(others)) > maxTuples:
		return predicate{}, &InvalidError{Field: "dimensionFilter",
			Message: "too many values of " + cut(name) + " would have to be compared one by one",
			Hint:    "filter on the dimensions it is made of"}
	case len(others) < len(matching):
		return tuples(dims, others).negated(), nil
	}
	return tuples(dims, matching), nil
}

// tuples selects the rows whose values of dims are one of list.
func tuples(dims []store.Dimension, list [][]string) predicate {
	last := len(dims) - 1
	heads := map[string][]string{} // values before the last one -> last ones
	first := map[string][]string{}
	var order []string
	for _, t := range list {
		key := strings.Join(t[:last], "\x00")
		if _, seen := heads[key]; !seen {
			order = append(order, key)
			first[key] = t[:last]
		}
		heads[key] = append(heads[key], t[last])
	}
	parts := make([]predicate, 0, len(order))
	for _, key := range order {
		conditions := make([]predicate, 0, len(dims))
		for i, value := range first[key] {
			conditions = append(conditions, oneOf(dims[i], []string{value}))
		}
		conditions = append(conditions, oneOf(dims[last], heads[key]))
		parts = append(parts, join(conditions, true))
	}
	return join(parts, false)
}

func oneOf(dim store.Dimension, values []string) predicate {
	match := store.In
	if len(values) == 1 {
		match = store.Exact
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return predicate{some: &store.Predicate{Leaf: &store.Leaf{
		Dimension: dim, Match: match, Values: values, CaseSensitive: true}}}
}
