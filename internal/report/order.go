// Order: sort keys, checked and applied. Equal rows are never left in an
// order that the next run could change.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sortKey compares two rows.
type sortKey func(a, b *outRow) int

// outRow is a row before it is cut to what is shown.
type outRow struct {
	dims   []string
	values []float64
	span   int
	group  *group
}

func checkOrder(qn *question) error {
	for i, o := range qn.query.Order {
		key, err := qn.sortKey(fmt.Sprintf("orderBys[%d]", i), o)
		if err != nil {
			return err
		}
		if o.Desc {
			key = descending(key)
		}
		qn.order = append(qn.order, key)
	}
	if len(qn.order) == 0 && len(qn.metrics) > 0 {
		first := func(a, b *outRow) int { return cmp.Compare(b.values[0], a.values[0]) }
		qn.order = append(qn.order, first)
	}
	qn.order = append(qn.order, func(a, b *outRow) int {
		if c := slices.Compare(a.dims, b.dims); c != 0 {
			return c
		}
		return cmp.Compare(a.span, b.span)
	})
	return nil
}

func (qn *question) sortKey(field string, o OrderBy) (sortKey, error) {
	if (o.Metric == "") == (o.Dimension == "") {
		return nil, invalid(field, "a sort key is a metric or a dimension")
	}
	if o.Metric != "" {
		i, ok := qn.index[o.Metric]
		if !ok {
			return nil, invalid(field+".metric", "%q is not a metric of this report", cut(o.Metric))
		}
		return func(a, b *outRow) int { return cmp.Compare(a.values[i], b.values[i]) }, nil
	}
	i := slices.Index(qn.dimensionNames(), o.Dimension)
	if i < 0 {
		return nil, invalid(field+".dimension", "%q is not a dimension of this report", cut(o.Dimension))
	}
	compare, err := textOrder(field, o.Type)
	return func(a, b *outRow) int { return compare(a.dims[i], b.dims[i]) }, err
}

func textOrder(field string, t OrderType) (func(a, b string) int, error) {
	switch t {
	case Alphanumeric:
		return strings.Compare, nil
	case CaseInsensitiveAlphanumeric:
		return compareFolded, nil
	case Numeric:
		return compareNumbers, nil
	}
	return nil, invalid(field+".dimension.orderType", "there is no such order")
}

// compareFolded compares by Unicode simple folding, rune by rune (S36).
func compareFolded(a, b string) int {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if c := cmp.Compare(fold(x), fold(y)); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

// fold returns one rune for all that differ in case only.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return unicode.ToLower(least)
}

// compareNumbers puts what is no number before all numbers.
func compareNumbers(a, b string) int {
	x, xok := parseNumber(a)
	y, yok := parseNumber(b)
	switch {
	case xok && yok:
		return cmp.Compare(x, y)
	case xok:
		return 1
	case yok:
		return -1
	}
	return 0
}

func descending(key sortKey) sortKey { return func(a, b *outRow) int { return key(b, a) } }

func (qn *question) sort(rows []*outRow) {
	slices.SortFunc(rows, func(a, b *outRow) int {
		for _, key := range qn.order {
			if c := key(a, b); c != 0 {
				return c
			}
		}
		return 0
	})
}

// dimensionNames lists the answer's dimensions, the date range's among them.
func (qn *question) dimensionNames() []string {
	names := make([]string, 0, len(qn.columns)+1)
	for _, c := range qn.columns {
		names = append(names, c.name)
	}
	return qn.withRange(names, "dateRange")
}

// withRange puts what stands for the date range in its place.
func (qn *question) withRange(texts []string, name string) []string {
	if qn.rangeAt < 0 {
		return texts
	}
	return slices.Insert(texts, qn.rangeAt, name)
}
