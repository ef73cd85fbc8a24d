// Merges: where an expression gives several stored values one text (lowerCase
// of "/A" and "/a"), distinct counts of the parts do not add up. Such groups
// are counted again, as one group each.
package report

import (
	"context"
	"fmt"

	"tidemark/internal/store"
)

// merges finds groups that more than one row of a plan fell into.
type merges struct {
	layout *layout
	// Places of dimensions that are shown as they are, and of the others.
	plain, mapped []int
	seen          map[*group]bool
	variants      map[string]*variant // by the texts of mapped columns
}

// variant is one text of the mapped columns and what it was made of.
type variant struct {
	stored map[string][]string
	merged bool
}

func newMerges(l *layout) *merges {
	m := &merges{layout: l, seen: map[*group]bool{}, variants: map[string]*variant{}}
	isPlain := map[int]bool{}
	for i, c := range l.columns {
		if c.plain {
			isPlain[l.places[i][0]] = true
		}
	}
	for at := range l.dims {
		if isPlain[at] {
			m.plain = append(m.plain, at)
		} else {
			m.mapped = append(m.mapped, at)
		}
	}
	return m
}

// see notes that a row with these values fell into g.
func (m *merges) see(g *group, values []string) {
	if len(m.mapped) == 0 {
		return
	}
	key := m.key(g.dims)
	v, ok := m.variants[key]
	if !ok {
		v = &variant{stored: map[string][]string{}}
		m.variants[key] = v
	}
	own := pick(values, m.mapped)
	v.stored[tupleKey(own)] = own
	v.merged = v.merged || m.seen[g]
	m.seen[g] = true
}

// key is the texts of the columns that are not plain.
func (m *merges) key(texts []string) string {
	var own []string
	for i, c := range m.layout.columns {
		if !c.plain {
			own = append(own, texts[i])
		}
	}
	return tupleKey(own)
}

func (m *merges) any() bool {
	for _, v := range m.variants {
		if v.merged {
			return true
		}
	}
	return false
}

func pick(values []string, places []int) []string {
	picked := make([]string, len(places))
	for i, at := range places {
		picked[i] = values[at]
	}
	return picked
}

// recount asks again for each merged text, without grouping by what was merged.
func (x *execution) recount(ctx context.Context, qn *question, s span, src source, where predicate, g *groups, m *merges) error {
	mapped := make([]store.Dimension, len(m.mapped))
	for i, at := range m.mapped {
		mapped[i] = m.layout.dims[at]
	}
	plain := make([]store.Dimension, len(m.plain))
	for i, at := range m.plain {
		plain[i] = m.layout.dims[at]
	}
	asked := 0
	for _, v := range m.variants {
		if !v.merged {
			continue
		}
		if asked++; asked > maxMerges || len(v.stored) > maxTuples {
			return &InvalidError{Field: "dimensions",
				Message: fmt.Sprintf("more than %d texts of a dimension expression stand for several values each", maxMerges),
				Hint:    "filter, or ask for the dimensions themselves"}
		}
		if err := x.recountOne(ctx, qn, s, src, where, g, m, v, plain, mapped); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) recountOne(ctx context.Context, qn *question, s span, src source, where predicate,
	g *groups, m *merges, v *variant, plain, mapped []store.Dimension) error {
	var list [][]string
	for _, t := range v.stored {
		list = append(list, t)
	}
	rows, err := x.run(ctx, qn, qn.plan(s, src.rel, plain, src.parts, where.and(tuples(mapped, list))))
	if err != nil {
		return err
	}
	values := make([]string, len(m.layout.dims))
	for i, at := range m.mapped {
		values[at] = list[0][i]
	}
	for r, numbers := range rows.Aggregates {
		own := valuesOf(rows, r)
		for i, at := range m.plain {
			values[at] = own[i]
		}
		at := g.at(m.layout.texts(values))
		for k, part := range src.parts {
			at.parts[part] = numbers[k]
		}
	}
	return nil
}
