// Distinct users of many groups. A prepared sum knows the users of a day exactly,
// those of many days only as a sketch, and merging sketches for every page of a
// site, to show ten, would take a second. So where groups are many, they are first
// asked for with a bound on their users, and counted where it matters: for the
// rows that are shown, or until no other row can be among them.
package report

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/catalog"
	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// maxCounted is how many groups are counted apart before it is cheaper to count
// all at once.
const maxCounted = 2_000

// counting is the same question, whose plans count users as given.
func (qn *question) counting(users store.UserCount) *question {
	other := *qn
	other.users = users
	return &other
}

// userCount says how users are counted in the end: observed users always from
// rows (S9).
func (qn *question) userCount() store.UserCount {
	if qn.query.Property.ObservedUsers || qn.query.AllVerdicts {
		return store.ExactUsers
	}
	return store.SketchedUsers
}

// firstCount says how users are counted when groups are asked for.
func (qn *question) firstCount() store.UserCount {
	count := qn.userCount()
	if count == store.SketchedUsers && qn.hasFacts() && !qn.needsAllUsers() {
		return store.BoundUsers
	}
	return count
}

// hasFacts tells whether rows are told apart by anything but time: times are few.
func (qn *question) hasFacts() bool {
	for _, c := range qn.columns {
		for _, d := range c.dims {
			if d.Column != store.ColTime {
				return true
			}
		}
	}
	return false
}

// needsAllUsers tells whether which rows are shown, or what sums them up, depends
// on the users of every row in a way that bounds do not settle.
func (qn *question) needsAllUsers() bool {
	if qn.having != nil {
		return true
	}
	if slices.Contains(qn.query.Aggregations, Minimum) || slices.Contains(qn.query.Aggregations, Maximum) {
		return true
	}
	for i, o := range qn.query.Order {
		if o.Metric == "" || !countsUsers(qn.metrics[qn.index[o.Metric]]) {
			continue
		}
		if i > 0 || !o.Desc || !isUsers(qn.metrics[qn.index[o.Metric]]) {
			return true
		}
	}
	return len(qn.query.Order) == 0 && len(qn.metrics) > 0 && countsUsers(qn.metrics[0]) && !isUsers(qn.metrics[0])
}

func countsUsers(m catalog.Metric) bool { return slices.ContainsFunc(m.Parts(), catalog.Part.Distinct) }

// isUsers tells whether m is a number of users and nothing else, so that a bound
// of the users is a bound of m.
func isUsers(m catalog.Metric) bool {
	return m.Plus.Distinct() && m.Also == catalog.NoPart && m.Minus == catalog.NoPart && m.Over == catalog.NoPart
}

// firstByUsers tells which metric orders rows first, if it is a number of users.
func (qn *question) firstByUsers() (metric int, ok bool) {
	switch {
	case len(qn.metrics) == 0:
		return 0, false
	case len(qn.query.Order) > 0 && qn.query.Order[0].Metric == "":
		return 0, false
	case len(qn.query.Order) > 0:
		metric = qn.index[qn.query.Order[0].Metric]
	}
	return metric, isUsers(qn.metrics[metric])
}

// settleUsers returns all rows in order; users of those that are shown are no
// bounds any more.
func (x *execution) settleUsers(ctx context.Context, qn *question, tables []*table) ([]*outRow, error) {
	all := func() (rows []*outRow, bound bool) {
		for _, t := range tables {
			rows, bound = append(rows, t.rows...), bound || t.bound
		}
		qn.sort(rows)
		return rows, bound
	}
	rows, bound := all()
	if !bound {
		return rows, nil
	}
	settled, err := x.settleShown(ctx, qn, rows)
	if err != nil || settled {
		return rows, err
	}
	for i := range tables {
		if tables[i], err = x.table(ctx, qn, i, qn.userCount()); err != nil {
			return nil, err
		}
	}
	rows, _ = all()
	return rows, nil
}

// settleShown counts the users of rows that can be shown, and puts these in
// order; false if that would be too many.
func (x *execution) settleShown(ctx context.Context, qn *question, rows []*outRow) (bool, error) {
	_, end := qn.pageBounds(len(rows))
	by, byUsers := qn.firstByUsers()
	for done, next := 0, end; ; next = min(len(rows), done+max(end, 50)) {
		if next > maxCounted {
			return false, nil
		}
		if err := x.countRows(ctx, qn, rows[done:next]); err != nil {
			return false, err
		}
		done = next
		if !byUsers {
			return true, nil
		}
		qn.sort(rows[:done])
		if done == len(rows) || end == 0 || rows[end-1].values[by] > rows[done].values[by] {
			return true, nil
		}
	}
}

// countRows replaces the bounds of rows by counts.
func (x *execution) countRows(ctx context.Context, qn *question, rows []*outRow) error {
	bySpan := map[int][]*outRow{}
	for _, r := range rows {
		if len(r.group.stored) > 0 {
			bySpan[r.span] = append(bySpan[r.span], r)
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	for span, own := range bySpan {
		work.Go(func() error { return x.countSpan(ctx, qn.counting(qn.userCount()), qn.spans[span], own) })
	}
	return work.Wait()
}

func (x *execution) countSpan(ctx context.Context, qn *question, s span, rows []*outRow) error {
	where, err := x.predicateOf(ctx, qn, qn.filter, s, store.Events)
	if err != nil {
		return err
	}
	layout := layoutOf(s, qn.columns)
	var users []catalog.Part
	for _, p := range qn.eventParts {
		if p.Distinct() {
			users = append(users, p)
		}
	}
	single := map[string]*outRow{}
	var list [][]string
	for _, r := range rows {
		if len(r.group.stored) == 1 {
			list = append(list, r.group.stored[0])
			single[tupleKey(r.group.stored[0])] = r
			continue
		}
		// Several stored values read alike: their users are counted as one group.
		plan := qn.plan(s, store.Events, nil, users, where.and(tuples(layout.dims, r.group.stored)))
		answer, err := x.run(ctx, qn, plan)
		if err != nil {
			return err
		}
		qn.recount(r, users, answer.Aggregates[0])
	}
	if len(list) == 0 {
		return nil
	}
	answer, err := x.run(ctx, qn, qn.plan(s, store.Events, layout.dims, users, where.and(tuples(layout.dims, list))))
	if err != nil {
		return err
	}
	for i, values := range answer.Dimensions {
		// Dimensions that differ in case only are other groups, which were not asked for.
		if r := single[tupleKey(values)]; r != nil {
			qn.recount(r, users, answer.Aggregates[i])
		}
	}
	return nil
}

// recount sets the users of a row.
func (qn *question) recount(r *outRow, parts []catalog.Part, numbers []int64) {
	for k, part := range parts {
		r.group.parts[part] = numbers[k]
	}
	r.values = qn.values(&r.group.parts)
}

// describe says how exact the answer is, and what it was made of (D5).
func (m *Meta) describe(a *asked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.rollups {
		if name != "" {
			m.Rollups = append(m.Rollups, name)
		}
	}
	slices.Sort(m.Rollups)
	if a.approximate {
		m.Exact = false
		m.Bound = fmt.Sprintf("numbers of users, and ratios over them, are within %.1f %% in 95 of 100 cases; "+
			"everything else is exact", 100*sketch.UsersError)
	}
}
