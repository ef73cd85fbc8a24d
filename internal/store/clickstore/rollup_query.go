// Answering from cells: days that have them are summed up, rows of the others are asked for as
// ever, and both are added (T8).
package clickstore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// rolled is an answer in the making.
type rolled struct {
	sn    *snapshot
	p     *store.Plan
	v     *view
	s     store.Split
	rows  store.Rows
	at    map[string]int // of rows, by dimensions
	users []usersOf      // of each row
	count store.UserCount
}

// fewCells is how many cells are merged without asking for a bound first: that takes
// less time than to ask twice.
const fewCells = 3_000

// usersOf tells how many users a group has. Numbers are [all, active].
type usersOf struct {
	cells   int64    // how many cells it has
	most    [2]int64 // of one cell, or of rows: at least so many are there
	sum     [2]int64 // over cells and rows: at most so many are there
	hasRows bool
	merged  [2]int64 // estimate over all
}

// mustMerge tells whether the group's users are not those of one cell, or of rows alone.
func (u *usersOf) mustMerge() bool {
	n := u.cells
	if u.hasRows {
		n++
	}
	return n > 1
}

func (x *rolled) run(ctx context.Context) (*store.Rows, error) {
	x.at, x.rows.Rollup, x.count = map[string]int{}, x.s.Rollup.Name, x.p.Users
	if len(x.p.Dimensions) == 0 {
		x.row([]string{})
	}
	// Cells cannot lose a client: a snapshot of before an erasure does not answer from them (U8).
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return x.sn.checkErasures(both, x.p.Property) })
	group.Go(func() error { return x.addCells(both) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if x.count == store.BoundUsers && x.cells() <= fewCells {
		x.count = store.SketchedUsers
	}
	if err := x.addRows(ctx); err != nil {
		return nil, err
	}
	if err := x.settleUsers(ctx); err != nil {
		return nil, err
	}
	return &x.rows, nil
}

// checkErasures fails if days of the property lost rows after the snapshot was taken.
func (sn *snapshot) checkErasures(ctx context.Context, p event.PropertyID) error {
	now, err := sn.s.current(ctx)
	if err == nil && now.doc(p).erasures() != sn.state.doc(p).erasures() {
		err = errHeldTooLong
	}
	return err
}

func (x *rolled) cells() (n int64) {
	for i := range x.users {
		n += x.users[i].cells
	}
	return n
}

// row finds or adds the row of a group.
func (x *rolled) row(dims []string) int {
	key := strings.Join(dims, "\x00")
	i, ok := x.at[key]
	if !ok {
		i = len(x.rows.Dimensions)
		x.at[key] = i
		x.rows.Dimensions = append(x.rows.Dimensions, dims)
		x.rows.Aggregates = append(x.rows.Aggregates, make([]int64, len(x.p.Aggregates)))
		x.users = append(x.users, usersOf{})
	}
	return i
}

func (x *rolled) full() error {
	if x.p.MaxRows > 0 && len(x.rows.Dimensions) > x.p.MaxRows {
		return store.ErrTooManyRows
	}
	return nil
}

// addCells adds the sums of all cells.
func (x *rolled) addCells(ctx context.Context) error {
	st, err := x.cellsQuery()
	if err != nil || st.sql == "" {
		return err
	}
	err = x.sn.s.query(ctx, st.sql, func(d *decoder) {
		at := x.row(dimensionsOf(d, st.dims))
		for i := range x.p.Aggregates {
			x.rows.Aggregates[at][i] += d.int64()
		}
		u := &x.users[at]
		u.cells += d.int64()
		for of := range u.most {
			u.most[of], u.sum[of] = max(u.most[of], d.int64()), u.sum[of]+d.int64()
		}
	})
	if err != nil {
		return fmt.Errorf("run plan: %w", queryError(err))
	}
	return x.full()
}

// cellsQuery renders the sums of the cells that the plan matches. A cell may be several
// rows, of clients apart: they are put together first.
func (x *rolled) cellsQuery() (*statement, error) {
	dims, st, err := x.cellDimensions()
	if err != nil {
		return nil, err
	}
	where, err := x.cellRows()
	if err != nil || where == "" {
		return st, err
	}
	var sums, aggs []string
	for i, a := range x.p.Aggregates {
		sums = append(sums, fmt.Sprintf("sum(%s) AS s%d", cellAggregate(a), i))
		aggs = append(aggs, fmt.Sprintf("toInt64(sum(s%d))", i))
	}
	aggs = append(aggs, "toInt64(count())", "toInt64(max(u))", "toInt64(sum(u))", "toInt64(max(au))", "toInt64(sum(au))")
	cell := append([]string{"start_time"}, x.cellDims()...)
	inner := append(append(slices.Clone(dims), sums...), "sum(users) AS u", "sum(active_users) AS au")
	st.sql, err = x.sn.s.dialect.execute("cells.sql", map[string]string{
		"Select": strings.Join(append(names("d", len(dims)), aggs...), ", "), "Inner": strings.Join(inner, ", "),
		"Rows": where, "Cell": strings.Join(cell, ", "), "GroupBy": groupBy(len(dims)),
	})
	return st, err
}

func groupBy(dims int) string {
	if dims == 0 {
		return ""
	}
	return "GROUP BY " + strings.Join(names("d", dims), ", ")
}

// cellDims are the columns that a cell of the rollup is of, beside its time.
func (x *rolled) cellDims() []string {
	out := make([]string, len(x.s.Rollup.Dimensions))
	for i := range out {
		out[i] = "c." + cellDim(i)
	}
	return out
}

// cellDimensions renders what the plan groups by.
func (x *rolled) cellDimensions() ([]string, *statement, error) {
	st := &statement{}
	var out []string
	for i, d := range x.p.Dimensions {
		bucket, text := store.NoBucket, x.cellColumn(d.Column)
		if d.Column == store.ColTime {
			n, err := bucketNumber(d.Bucket, "c.start_time", x.cellPlan())
			if err != nil {
				return nil, nil, err
			}
			bucket, text = d.Bucket, "toInt64("+n+")"
		}
		st.dims = append(st.dims, bucket)
		out = append(out, fmt.Sprintf("%s AS d%d", text, i))
	}
	return out, st, nil
}

// cellPlan is the plan as cells see it: their times are local.
func (x *rolled) cellPlan() *store.Plan {
	p := *x.p
	p.Zone = nil
	return &p
}

// cellColumn finds the column of a cell that holds c.
func (x *rolled) cellColumn(c store.Column) string {
	return "c." + cellDim(slices.Index(x.s.Rollup.Dimensions, c))
}

// cellRows renders the cells that the plan matches, "" if there can be none.
func (x *rolled) cellRows() (string, error) {
	var pairs []string
	first, last := int32(math.MaxInt32), int32(math.MinInt32)
	add := func(ranges []cellRange, pieces []store.TimeSpan) {
		for _, piece := range pieces {
			for _, r := range cellsWithin(ranges, piece.From, piece.To) {
				for day := store.FloorDay(r.Lo); day < r.Hi; day += dayMicros {
					d := dayOf(day)
					pairs, first, last = append(pairs, fmt.Sprintf("(%d, %d)", d, r.Run)), min(first, d), max(last, d)
				}
			}
		}
	}
	add(x.v.doc.KeptCells, x.s.Kept)
	add(x.v.doc.Cells, x.s.Cells)
	if len(pairs) == 0 {
		return "", nil
	}
	where, err := predicate(x.p.Filter, func(d store.Dimension) (string, error) {
		if d.Column == store.ColTime {
			return bucketTextSQL(d.Bucket, "c.start_time", x.cellPlan())
		}
		return x.cellColumn(d.Column), nil
	})
	return fmt.Sprintf("c.property = %s AND c.rollup = %d AND c.day >= %s AND c.day <= %s AND (toInt32(c.day), c.run) IN (%s) AND %s",
		propertyLiteral(x.p.Property), x.s.Rollup.ID, sqlDay(first), sqlDay(last), strings.Join(pairs, ", "), where), err
}

// cellAggregate is the column of cells that holds an aggregate.
func cellAggregate(a store.Aggregate) string {
	switch {
	case a.Op == store.DistinctUsers:
		return "0" // counted apart
	case a.Op == store.Sum:
		return "c." + string(a.Column)
	case a.Where != "":
		return "c." + string(a.Where)
	}
	return "c.n"
}

// rowsPlan is the plan as rows of days without cells are asked, nil if there are none.
func (x *rolled) rowsPlan() *store.Plan {
	if len(x.s.Rows) == 0 {
		return nil
	}
	p := *x.p
	p.From, p.To = x.s.Rows[0].From, x.s.Rows[len(x.s.Rows)-1].To
	p.Aggregates = slices.Clone(x.p.Aggregates)
	return &p
}

// addRows adds what rows say of days without cells, all of these together.
func (x *rolled) addRows(ctx context.Context) error {
	p := x.rowsPlan()
	if p == nil {
		return nil
	}
	for i, a := range p.Aggregates {
		if a.Op == store.DistinctUsers && x.count == store.BoundUsers {
			p.Aggregates[i].Op = store.Count // there are no fewer
		}
	}
	if len(p.Dimensions) == 0 {
		// Whether there are rows at all: a group of none has no users to be told apart.
		p.Aggregates = append(p.Aggregates, store.Aggregate{Op: store.Count})
	}
	st, err := x.sn.s.dialect.render(p, x.v, x.s.Rows...)
	if err != nil {
		return err
	}
	rows, err := x.sn.runStatement(ctx, p, st)
	if err != nil {
		return err
	}
	for r, numbers := range rows.Aggregates {
		at := x.row(rows.Dimensions[r])
		u := &x.users[at]
		u.hasRows = len(p.Dimensions) > 0 || numbers[len(numbers)-1] > 0
		var users [2]int64 // a plan may ask for the same twice
		for i, a := range x.p.Aggregates {
			if a.Op == store.DistinctUsers {
				users[which(a)] = numbers[i]
			} else {
				x.rows.Aggregates[at][i] += numbers[i]
			}
		}
		for of, n := range users {
			u.sum[of] += n
			u.most[of] = max(u.most[of], n)
		}
	}
	return x.full()
}

// which of usersOf's numbers an aggregate of users is.
func which(a store.Aggregate) int {
	if a.Where == store.ColActive {
		return 1
	}
	return 0
}
