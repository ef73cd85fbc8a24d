// Answers: groups become rows, are filtered, ordered, summed up and cut.
package report

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/store"
)

// answer fills result, whose Meta is set.
func (x *execution) answer(ctx context.Context, qn *question, result *Result) error {
	tables := make([]*table, len(qn.spans))
	work, workCtx := errgroup.WithContext(ctx)
	for i := range qn.spans {
		work.Go(func() (err error) {
			tables[i], err = x.table(workCtx, qn, i, qn.firstCount())
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	rows, err := x.settleUsers(ctx, qn, tables)
	if err != nil {
		return err
	}
	result.Meta.OtherCurrencies = otherCurrencies(tables)
	result.Meta.describe(qn.asked)
	result.Dimensions = qn.dimensionNames()
	for i, m := range qn.metrics {
		if !qn.query.Metrics[i].Invisible {
			result.Metrics = append(result.Metrics, m.Name)
		}
	}
	result.RowCount = len(rows)
	result.Rows = qn.page(rows)
	qn.summarize(tables, result)
	return nil
}

// table is the rows of one span, after the metric filter.
type table struct {
	span  int
	rows  []*outRow
	total []float64 // nil if it was not asked for
	bound bool      // users of rows are bounds only
	// foreign are currencies of money that is left out.
	foreign map[string]bool
}

// table asks for the rows of span i; users are counted as the question says.
func (x *execution) table(ctx context.Context, qn *question, i int, users store.UserCount) (*table, error) {
	s := qn.spans[i]
	g, all := newGroups(), newGroups()
	qn = qn.counting(users)
	for _, src := range qn.sources() {
		where, err := x.predicateOf(ctx, qn, qn.filter, s, src.rel)
		if err != nil {
			return nil, err
		}
		if err := x.collect(ctx, qn, s, src, where, g); err != nil {
			return nil, err
		}
		if !qn.needsTotal() {
			continue
		}
		if err := x.collect(ctx, qn.counting(qn.userCount()).withoutColumns(), s, src, where, all); err != nil {
			return nil, err
		}
	}
	if len(qn.columns) == 0 {
		g.at(nil) // without dimensions there is one group, also when it is empty
	}
	t := &table{span: i, foreign: g.foreign, bound: g.bound}
	for _, grp := range g.byKey {
		row := &outRow{values: qn.values(&grp.parts), span: i, group: grp}
		if qn.keeps(row.values) {
			row.dims = qn.withRange(grp.dims, s.name)
			t.rows = append(t.rows, row)
		}
	}
	if slices.Contains(qn.query.Aggregations, Total) {
		if len(qn.columns) == 0 {
			all = g
		}
		t.total = qn.values(&all.at(nil).parts)
	}
	return t, nil
}

// needsTotal: users and sessions of rows do not add up, so that a total is
// counted apart. It covers all that the dimension filter matches; a metric
// filter hides rows and does not change it.
func (qn *question) needsTotal() bool {
	return len(qn.columns) > 0 && slices.Contains(qn.query.Aggregations, Total)
}

// withoutColumns is the same question about all rows as one group.
func (qn *question) withoutColumns() *question {
	whole := *qn
	whole.columns = nil
	return &whole
}

// keeps tells whether a row with these values is part of the answer.
func (qn *question) keeps(values []float64) bool {
	shown := qn.visible(values)
	empty := len(shown) > 0 && !slices.ContainsFunc(shown, func(v float64) bool { return v != 0 })
	if empty && !qn.query.KeepEmptyRows {
		return false
	}
	return qn.having == nil || qn.having(values)
}

// page cuts sorted rows to what is shown.
func (qn *question) page(rows []*outRow) []Row {
	from, to := qn.pageBounds(len(rows))
	rows = rows[from:to]
	shown := make([]Row, len(rows))
	for i, r := range rows {
		shown[i] = Row{Dimensions: r.dims, Metrics: qn.visible(r.values)}
	}
	return shown
}

// pageBounds tells which of n rows are shown.
func (qn *question) pageBounds(n int) (from, to int) {
	limit := qn.query.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	from = min(qn.query.Offset, n)
	return from, min(from+limit, n)
}

// visible leaves out the metrics that only filter and order.
func (qn *question) visible(values []float64) []float64 {
	shown := make([]float64, 0, len(values))
	for i, v := range values {
		if !qn.query.Metrics[i].Invisible {
			shown = append(shown, v)
		}
	}
	return shown
}

// summarize adds the summary rows that were asked for, one per span.
func (qn *question) summarize(tables []*table, result *Result) {
	for _, t := range tables {
		for _, a := range qn.query.Aggregations {
			switch a {
			case Total:
				result.Totals = append(result.Totals, Row{Metrics: qn.visible(t.total)})
			case Minimum:
				result.Minimums = append(result.Minimums, Row{Metrics: qn.visible(t.extreme(qn, smaller))})
			case Maximum:
				result.Maximums = append(result.Maximums, Row{Metrics: qn.visible(t.extreme(qn, larger))})
			case CountRows:
				count := make([]float64, len(qn.metrics))
				for i := range count {
					count[i] = float64(len(t.rows))
				}
				result.Counts = append(result.Counts, Row{Metrics: qn.visible(count)})
			}
		}
	}
}

// extreme folds each metric over all rows; without rows it is 0.
func (t *table) extreme(qn *question, better func(a, b float64) float64) []float64 {
	best := make([]float64, len(qn.metrics))
	for i, r := range t.rows {
		for k, v := range r.values {
			if i == 0 {
				best[k] = v
			} else {
				best[k] = better(best[k], v)
			}
		}
	}
	return best
}

func smaller(a, b float64) float64 { return min(a, b) }

func larger(a, b float64) float64 { return max(a, b) }
