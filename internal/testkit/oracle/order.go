// What happens to the lines once they are computed: having, order, limit, summary rows.
package oracle

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidemark/internal/report"
	"tidemark/internal/store"
)

// columns names the dimension columns of the answer.
func (a *answer) columns() []string {
	var names []string
	for _, d := range a.query.Dimensions {
		names = append(names, d.Name)
	}
	if len(a.ranges) > 1 {
		names = append(names, "dateRange")
	}
	return names
}

// visible names the metric columns of the answer.
func (a *answer) visible() []string {
	var names []string
	for _, m := range a.query.Metrics {
		if !m.Invisible {
			names = append(names, m.Name)
		}
	}
	return names
}

func (a *answer) onlyVisible(numbers []float64) []float64 {
	var out []float64
	for i, m := range a.query.Metrics {
		if !m.Invisible {
			out = append(out, numbers[i])
		}
	}
	return out
}

func (a *answer) metricIndex(name string) (int, error) {
	for i, m := range a.query.Metrics {
		if m.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("find metric %q: the query does not ask for it", name)
}

// having applies the metric filter to a line.
func (a *answer) having(l line) (bool, error) {
	return holds(a.query.MetricFilter, func(name string) (string, float64, bool, error) {
		i, err := a.metricIndex(name)
		if err != nil {
			return "", 0, false, err
		}
		return "", l.metrics[i], true, nil
	})
}

// checkFilters looks up all names and patterns, and whether a filter is on an
// event's own fact (S21).
func (a *answer) checkFilters() error {
	err := eachField(a.query.DimensionFilter, func(f *report.FieldFilter) error {
		d, err := a.asker.findDimension(f.Name)
		a.throughEvents = a.throughEvents || d.eventScope
		if err == nil && (f.Match == store.FullRegexp || f.Match == store.PartialRegexp) {
			_, err = regexp.Compile(f.Values[0])
		}
		return err
	})
	if err != nil {
		return err
	}
	return eachField(a.query.MetricFilter, func(f *report.FieldFilter) error {
		_, err := a.metricIndex(f.Name)
		return err
	})
}

func eachField(f *report.Filter, visit func(*report.FieldFilter) error) error {
	if f == nil {
		return nil
	}
	if f.Field != nil {
		return visit(f.Field)
	}
	for _, part := range slices.Concat(f.And, f.Or, []*report.Filter{f.Not}) {
		if err := eachField(part, visit); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) checkOrder() error {
	for _, o := range a.query.Order {
		if o.Metric != "" {
			if _, err := a.metricIndex(o.Metric); err != nil {
				return err
			}
		} else if a.dimensionIndex(o.Dimension) < 0 {
			return fmt.Errorf("find dimension %q: the query does not ask for it", o.Dimension)
		}
	}
	return nil
}

func (a *answer) dimensionIndex(name string) int {
	return slices.Index(a.columns(), name)
}

// sort puts lines in the order asked for; else by the first metric, largest
// first. Equal lines follow their dimension values in byte order.
func (a *answer) sort(lines []line) {
	order := a.query.Order
	if len(order) == 0 && len(a.query.Metrics) > 0 {
		order = []report.OrderBy{{Metric: a.query.Metrics[0].Name, Desc: true}}
	}
	slices.SortStableFunc(lines, func(x, y line) int {
		for _, o := range order {
			c := a.compareBy(o, x, y)
			if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return slices.Compare(x.dimensions, y.dimensions)
	})
}

func (a *answer) compareBy(o report.OrderBy, x, y line) int {
	if o.Metric != "" {
		i, _ := a.metricIndex(o.Metric)
		return cmp.Compare(x.metrics[i], y.metrics[i])
	}
	i := a.dimensionIndex(o.Dimension)
	v, w := x.dimensions[i], y.dimensions[i]
	switch o.Type {
	case report.CaseInsensitiveAlphanumeric:
		return strings.Compare(fold(v), fold(w))
	case report.Numeric:
		return cmp.Compare(number(v), number(w))
	}
	return strings.Compare(v, w)
}

// number reads a dimension value as a number; what is none comes first.
func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1e308
	}
	return f
}

// cut applies offset and limit; limit 0 is no limit.
func cut(lines []line, offset, limit int) []line {
	lines = lines[min(offset, len(lines)):]
	if limit > 0 {
		lines = lines[:min(limit, len(lines))]
	}
	return lines
}

// summarize adds the summary rows of one range.
func (a *answer) summarize(r *report.Result, i int, lines []line) error {
	for _, kind := range a.query.Aggregations {
		switch kind {
		case report.Total:
			groups, err := a.gather(a.ranges[i], nil)
			if err != nil {
				return err
			}
			g := groups[""]
			if g == nil {
				g = &group{}
			}
			r.Totals = append(r.Totals, report.Row{Metrics: a.onlyVisible(a.compute(g).metrics)})
		case report.Minimum:
			r.Minimums = append(r.Minimums, a.extreme(lines, func(x, y float64) float64 { return min(x, y) }))
		case report.Maximum:
			r.Maximums = append(r.Maximums, a.extreme(lines, func(x, y float64) float64 { return max(x, y) }))
		case report.CountRows:
			counts := make([]float64, len(a.visible()))
			for j := range counts {
				counts[j] = float64(len(lines))
			}
			r.Counts = append(r.Counts, report.Row{Metrics: counts})
		}
	}
	return nil
}

// extreme picks the smallest or largest value of each metric over all lines.
func (a *answer) extreme(lines []line, pick func(x, y float64) float64) report.Row {
	out := make([]float64, len(a.visible()))
	for n, l := range lines {
		for j, x := range a.onlyVisible(l.metrics) {
			if n == 0 {
				out[j] = x
			}
			out[j] = pick(out[j], x)
		}
	}
	return report.Row{Metrics: out}
}
