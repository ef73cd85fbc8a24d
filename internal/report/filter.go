// Filters: checked, and for dimensions turned into a tree that plans render.
package report

import (
	"fmt"
	"math"
	"strconv"

	"tidemark/internal/store"
)

// node is a checked dimension filter: exactly one field group is set.
type node struct {
	and, or []*node
	not     *node
	leaf    *leaf
}

// leaf compares one column.
type leaf struct {
	col   column
	field FieldFilter
	// match decides in Go, for columns that the store cannot compare as one.
	match func(text string) bool
}

// filterCheck walks a filter with its bounds.
type filterCheck struct {
	leaves int
	// onLeaf checks and turns one comparison.
	onLeaf func(path string, f *FieldFilter) (*leaf, error)
}

func (c *filterCheck) walk(path string, f *Filter, depth int) (*node, error) {
	switch {
	case f == nil:
		return nil, invalid(path, "the filter is empty")
	case depth > MaxFilterDepth:
		return nil, invalid(path, "filters nest at most %d deep", MaxFilterDepth)
	case f.kinds() != 1:
		return nil, invalid(path, "a filter is exactly one of a group, a negation and a comparison")
	}
	switch {
	case f.Field != nil:
		if c.leaves++; c.leaves > MaxFilterLeaves {
			return nil, invalid(path, "a filter has at most %d comparisons", MaxFilterLeaves)
		}
		l, err := c.onLeaf(path, f.Field)
		return &node{leaf: l}, err
	case f.Not != nil:
		n, err := c.walk(path+".notExpression", f.Not, depth+1)
		return &node{not: n}, err
	case len(f.And) > 0:
		and, err := c.group(path+".andGroup", f.And, depth)
		return &node{and: and}, err
	}
	or, err := c.group(path+".orGroup", f.Or, depth)
	return &node{or: or}, err
}

func (c *filterCheck) group(path string, filters []*Filter, depth int) ([]*node, error) {
	nodes := make([]*node, len(filters))
	for i, f := range filters {
		n, err := c.walk(fmt.Sprintf("%s.expressions[%d]", path, i), f, depth+1)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

func (f *Filter) kinds() int {
	n := 0
	for _, set := range []bool{len(f.And) > 0, len(f.Or) > 0, f.Not != nil, f.Field != nil} {
		if set {
			n++
		}
	}
	return n
}

// fields calls fn for each comparison.
func (n *node) fields(fn func(*leaf)) {
	switch {
	case n == nil:
		return
	case n.leaf != nil:
		fn(n.leaf)
	}
	n.not.fields(fn)
	for _, child := range n.and {
		child.fields(fn)
	}
	for _, child := range n.or {
		child.fields(fn)
	}
}

// metricTest tells whether a row with these values stays (HAVING).
type metricTest func(values []float64) bool

// metricFilter checks f, whose names are those of the query's metrics.
func metricFilter(f *Filter, index map[string]int) (metricTest, error) {
	if f == nil {
		return nil, nil
	}
	check := filterCheck{onLeaf: func(path string, f *FieldFilter) (*leaf, error) {
		if _, ok := index[f.Name]; !ok {
			return nil, &InvalidError{Field: path + ".fieldName",
				Message: fmt.Sprintf("metricFilter names %q, which is not a metric of this report", cut(f.Name)),
				Hint:    "add it to metrics, invisible if it is not to be shown"}
		}
		return &leaf{field: *f}, checkNumbers(path, f)
	}}
	n, err := check.walk("metricFilter", f, 1)
	if err != nil {
		return nil, err
	}
	return n.metricTest(index), nil
}

func (n *node) metricTest(index map[string]int) metricTest {
	switch {
	case n.leaf != nil:
		i, match := index[n.leaf.field.Name], numberMatch(n.leaf.field.Match, n.leaf.field.Numbers)
		return func(values []float64) bool { return match(values[i]) }
	case n.not != nil:
		inner := n.not.metricTest(index)
		return func(values []float64) bool { return !inner(values) }
	}
	nodes, want := n.and, false
	if len(nodes) == 0 {
		nodes, want = n.or, true
	}
	tests := make([]metricTest, len(nodes))
	for i, child := range nodes {
		tests[i] = child.metricTest(index)
	}
	return func(values []float64) bool {
		for _, test := range tests {
			if test(values) == want {
				return want
			}
		}
		return !want
	}
}

func isNumeric(m Match) bool { return m >= MatchNumEqual && m <= MatchNumBetween }

func checkNumbers(path string, f *FieldFilter) error {
	want := 1
	if f.Match == MatchNumBetween {
		want = 2
	}
	switch {
	case !isNumeric(f.Match):
		return &InvalidError{Field: path, Message: "metrics are numbers and compare as numbers",
			Hint: "use numericFilter or betweenFilter"}
	case len(f.Numbers) != want:
		return invalid(path, "the comparison takes %d numbers and has %d", want, len(f.Numbers))
	}
	for _, x := range f.Numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return invalid(path, "numbers to compare with must be finite")
		}
	}
	return nil
}

func numberMatch(m Match, numbers []float64) func(float64) bool {
	a := numbers[0]
	switch m {
	case MatchNumEqual:
		return func(x float64) bool { return x == a }
	case MatchNumLess:
		return func(x float64) bool { return x < a }
	case MatchNumLessOrEqual:
		return func(x float64) bool { return x <= a }
	case MatchNumGreater:
		return func(x float64) bool { return x > a }
	case MatchNumGreaterOrEqual:
		return func(x float64) bool { return x >= a }
	}
	b := numbers[1]
	return func(x float64) bool { return a <= x && x <= b }
}

// storeLeaf renders the comparison of a plain column.
func (l *leaf) storeLeaf() *store.Leaf {
	s := &store.Leaf{Dimension: l.col.dims[0], Match: l.field.Match, Values: l.field.Values,
		CaseSensitive: l.field.CaseSensitive}
	if isNumeric(l.field.Match) {
		s.Values = make([]string, len(l.field.Numbers))
		for i, x := range l.field.Numbers {
			s.Values[i] = strconv.FormatFloat(x, 'f', -1, 64)
		}
	}
	return s
}
