// Answering from cells: sums are added up by the engine, users are taken from
// the one cell of a group, or from merged sketches; rows of days without cells are
// asked for as ever, and added (T8).
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// rolled is an answer in the making.
type rolled struct {
	sn    *snapshot
	p     *store.Plan
	s     split
	rows  store.Rows
	at    map[string]int // of rows, by dimensions
	users []usersOf      // of each row
	count store.UserCount

	gathered bool // cells were read one by one: it is known where their sketches are
	all      bool // users are asked for that were not active
	wanted   []wanted
	named    []string         // files that wanted cells name
	numbers  map[string]int32 // of them

	draft   *draft // of young days, or nil
	touched []uint64
	files   *view // where cells are: those of the manifest, and of the draft
}

// fewCells is how many cells are merged without asking for a bound first: that takes
// less time than to ask twice.
const fewCells = 3_000

// usersOf tells how many users a group has. Numbers are [all, active].
type usersOf struct {
	cells   int64    // how many cells it has
	most    [2]int64 // of one cell or piece: at least so many are there
	sum     [2]int64 // over cells and pieces: at most so many are there
	pieces  int      // of rows that it occurs in
	sketch  [2]*sketch.Users
	clients []client // of rows

	drafts int64 // how many of the cells are a draft's
	// was and is are the touched clients whom the draft's rows and all rows name. Where a bound will
	// do, their events are counted instead: gone at most, and come.
	was, is    []client
	gone, come [2]int64
}

type client struct {
	id     uint64
	active bool
}

func (x *rolled) run(ctx context.Context) (*store.Rows, error) {
	x.at, x.rows.Rollup, x.count, x.files = map[string]int{}, x.s.rollup.Name, x.p.Users, &x.sn.view
	if x.draft != nil {
		x.useDraft()
	}
	if len(x.p.Dimensions) == 0 {
		x.row(nil)
	}
	if err := x.addCells(ctx); err != nil {
		return nil, err
	}
	if x.count == store.BoundUsers && x.cells() <= fewCells {
		x.count = store.SketchedUsers
	}
	for _, piece := range x.s.rows {
		if err := x.addRows(ctx, piece); err != nil {
			return nil, err
		}
	}
	if x.draft != nil && len(x.touched) > 0 {
		if err := x.correct(ctx); err != nil {
			return nil, err
		}
	}
	if x.wantsUsers() {
		if err := x.settleUsers(ctx); err != nil {
			return nil, err
		}
	}
	if x.draft != nil {
		x.dropEmpty()
	}
	return &x.rows, nil
}

func (x *rolled) wantsUsers() bool {
	return slices.ContainsFunc(x.p.Aggregates, func(a store.Aggregate) bool { return a.Op == store.DistinctUsers })
}

// cells returns how many cells the plan matches.
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

// cellPlan is the plan as cells see it: their times are local.
func (x *rolled) cellPlan() *store.Plan {
	p := *x.p
	p.Zone = nil
	return &p
}

// dimension renders a dimension of the plan over cells.
func (x *rolled) dimension(d store.Dimension) (string, error) {
	if d.Column == store.ColTime {
		return bucketTextSQL(d.Bucket, "start_time", x.cellPlan())
	}
	return cellColumn(&x.s.rollup, d.Column), nil
}

// keys renders what the plan groups by.
func (x *rolled) keys() ([]string, []dimKind, error) {
	var out []string
	var kinds []dimKind
	for i, d := range x.p.Dimensions {
		k, text := dimKind{}, cellColumn(&x.s.rollup, d.Column)
		if d.Column == store.ColTime {
			var err error
			if text, err = bucketNumber(d.Bucket, "start_time", x.cellPlan()); err != nil {
				return nil, nil, err
			}
			k.bucket = d.Bucket
		}
		kinds = append(kinds, k)
		out = append(out, fmt.Sprintf("%s AS k%d", text, i))
	}
	return out, kinds, nil
}

// from renders columns of the cells that the plan matches, of all segments or of some; "" if there are none.
func (x *rolled) from(columns string, some func(*store.Segment) bool) (string, error) {
	where, err := predicate(x.p.Filter, x.dimension)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, of := range []struct {
		table  store.Table
		pieces []timeSpan
	}{{store.KeptCells, x.s.kept}, {store.RollupCells, x.s.cells}} {
		if part := x.cellsOf(of.table, of.pieces, columns, where, some); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " UNION ALL "), nil
}

// cellsOf renders the cells of a table within pieces of local time, "" if there are none.
func (x *rolled) cellsOf(t store.Table, pieces []timeSpan, columns, where string, some func(*store.Segment) bool) string {
	if len(pieces) == 0 {
		return ""
	}
	lo, hi := pieces[0].from, pieces[len(pieces)-1].to
	files := x.files.filesOf(t, func(s *store.Segment) bool {
		return mayHold(boundsOf(s), x.p.Property, nil) && s.MinTime < hi && s.MaxTime >= lo && (some == nil || some(s))
	})
	if len(files) == 0 {
		return ""
	}
	var times []string
	for _, piece := range pieces {
		times = append(times, fmt.Sprintf("(start_time >= %s AND start_time < %s)", micros(piece.from), micros(piece.to)))
	}
	return fmt.Sprintf("SELECT %s FROM read_parquet(%s, filename = true) WHERE property = %s AND rollup = %d AND (%s) AND %s", columns,
		quoteList(files), propertyLiteral(x.p.Property), x.s.rollup.ID, strings.Join(times, " OR "), where)
}

// addCells adds the sums of all cells.
func (x *rolled) addCells(ctx context.Context) error {
	if x.wantsUsers() && x.count == store.SketchedUsers {
		if held, err := x.from("*", holdsTheirSketches); err != nil || held == "" {
			x.gathered = true
			return errors.Join(err, x.gatherCells(ctx))
		}
	}
	from, err := x.from(plainCellColumns(), nil)
	if err != nil || from == "" {
		return err
	}
	keys, kinds, err := x.keys()
	if err != nil {
		return err
	}
	columns := slices.Clone(keys)
	for i, a := range x.p.Aggregates {
		columns = append(columns, fmt.Sprintf("CAST(coalesce(sum(%s), 0) AS BIGINT) AS a%d", cellAggregate(a), i))
	}
	for _, c := range []string{"count(*)", "coalesce(max(users), 0)", "coalesce(max(active_users), 0)",
		"coalesce(sum(users), 0)", "coalesce(sum(active_users), 0)", "count(*) FILTER (" + x.isDraftCell() + ")"} {
		columns = append(columns, "CAST("+c+" AS BIGINT)")
	}
	q := "SELECT " + strings.Join(columns, ", ") + " FROM (" + from + ")"
	if len(keys) > 0 {
		q += " GROUP BY " + ordinals(len(keys))
	}
	return x.sn.s.reader.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			first := len(kinds) + len(x.p.Aggregates)
			at := x.row(dimsOf(res, kinds, i))
			for k := range x.p.Aggregates {
				x.rows.Aggregates[at][k] += res.int64(len(kinds)+k, i)
			}
			u := &x.users[at]
			u.cells = res.int64(first, i)
			u.most = [2]int64{res.int64(first+1, i), res.int64(first+2, i)}
			u.sum = [2]int64{res.int64(first+3, i), res.int64(first+4, i)}
			u.drafts = res.int64(first+5, i)
		}
		return x.full()
	})
}

// cellAggregate is the column of cells that holds an aggregate.
func cellAggregate(a store.Aggregate) string {
	switch {
	case a.Op == store.DistinctUsers:
		return "0" // counted apart
	case a.Op == store.Sum:
		return string(a.Column)
	case a.Where != "":
		return string(a.Where)
	}
	return "n"
}

func dimsOf(res *result, kinds []dimKind, row int) []string {
	dims := make([]string, len(kinds))
	for c, k := range kinds {
		if k.bucket == store.NoBucket {
			dims[c] = res.text(c, row)
		} else {
			dims[c] = bucketText(k.bucket, res.int64(c, row))
		}
	}
	return dims
}

// addRows adds what rows say of a piece of time. Users of groups that also have
// cells must be told apart one by one, unless a bound will do.
func (x *rolled) addRows(ctx context.Context, piece timeSpan) error {
	p := *x.p
	p.From, p.To = piece.from, piece.to
	p.Aggregates = slices.Clone(x.p.Aggregates)
	if x.wantsUsers() && x.count != store.BoundUsers && !(x.s.apart && len(x.s.rows) == 1) {
		return x.addClients(ctx, &p, &x.sn.view, 1, func(u *usersOf, c client) {
			u.pieces = 1 // a client of several pieces is one client
			u.clients = append(u.clients, c)
		})
	}
	x.boundUsers(&p)
	rows, err := x.sn.runRows(ctx, &p)
	if err != nil {
		return err
	}
	for r, numbers := range rows.Aggregates {
		at := x.row(rows.Dimensions[r])
		u := &x.users[at]
		u.pieces++
		var users [2]int64 // a plan may ask for the same twice
		for k, a := range x.p.Aggregates {
			if a.Op == store.DistinctUsers {
				users[which(a)] = numbers[k]
			} else {
				x.rows.Aggregates[at][k] += numbers[k]
			}
		}
		for of, n := range users {
			u.sum[of] += n
			u.most[of] = max(u.most[of], n)
		}
	}
	return x.full()
}

// boundUsers has p count events instead of their users, if a bound will do: there are no fewer.
func (x *rolled) boundUsers(p *store.Plan) {
	for i, a := range p.Aggregates {
		if a.Op == store.DistinctUsers && x.count == store.BoundUsers {
			p.Aggregates[i].Op = store.Count
		}
	}
}

// which of usersOf's numbers an aggregate of users is.
func which(a store.Aggregate) int {
	if a.Where == store.ColActive {
		return 1
	}
	return 0
}

// addClients reads the users of each group of the rows of a view, with their share of every
// sum, which is added so many times.
func (x *rolled) addClients(ctx context.Context, p *store.Plan, v *view, times int64, add func(*usersOf, client)) error {
	p.Aggregates = slices.DeleteFunc(p.Aggregates, func(a store.Aggregate) bool { return a.Op == store.DistinctUsers })
	st, err := x.sn.s.dialect.renderClients(p, v)
	if err != nil {
		return err
	}
	return x.sn.s.reader.run(ctx, st.sql, func(res *result) error {
		n := len(st.dims)
		for i := range res.rows {
			at := x.row(dimsOf(res, st.dims, i))
			add(&x.users[at], client{res.uint64(n, i), res.bool(n+1, i)})
			next := n + 2
			for k, a := range x.p.Aggregates {
				if a.Op != store.DistinctUsers {
					x.rows.Aggregates[at][k] += times * res.int64(next, i)
					next++
				}
			}
		}
		return x.full()
	})
}
