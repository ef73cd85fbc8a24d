// Users of groups that cells answer for: one cell says it exactly, several are merged, and so
// are the clients of rows.
package clickstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/store"
)

// settleUsers fills in the aggregates of distinct users.
func (x *rolled) settleUsers(ctx context.Context) error {
	if !slices.ContainsFunc(x.p.Aggregates, isUsers) {
		return nil
	}
	merge := x.count != store.BoundUsers && slices.ContainsFunc(x.users, func(u usersOf) bool { return u.mustMerge() })
	if merge {
		if err := x.mergeSketches(ctx); err != nil {
			return err
		}
	}
	x.rows.Bound, x.rows.Approximate = x.count == store.BoundUsers, merge
	for i := range x.users {
		u := &x.users[i]
		for k, a := range x.p.Aggregates {
			switch of := which(a); {
			case !isUsers(a):
			case merge && u.mustMerge():
				// There are no fewer users than in any one part, and no more than in all together.
				x.rows.Aggregates[i][k] = min(max(u.merged[of], u.most[of]), u.sum[of])
			default:
				x.rows.Aggregates[i][k] = u.sum[of]
			}
		}
	}
	return nil
}

func isUsers(a store.Aggregate) bool { return a.Op == store.DistinctUsers }

// mergeSketches estimates the users of all groups, from the sketches of cells and the clients
// of rows.
func (x *rolled) mergeSketches(ctx context.Context) error {
	plan := *x.p
	plan.Aggregates = slices.DeleteFunc(slices.Clone(x.p.Aggregates), func(a store.Aggregate) bool { return !isUsers(a) })
	plan.MaxRows = 0
	st, err := x.sketchesQuery(&plan)
	if err != nil {
		return err
	}
	rows, err := x.sn.runStatement(ctx, &plan, st)
	if err != nil {
		return err
	}
	for r, numbers := range rows.Aggregates {
		at, ok := x.at[strings.Join(rows.Dimensions[r], "\x00")]
		if !ok {
			continue
		}
		for i, a := range plan.Aggregates {
			x.users[at].merged[which(a)] = numbers[i]
		}
	}
	return nil
}

// sketchesQuery renders the merged sketches of cells and rows, by group.
func (x *rolled) sketchesQuery(p *store.Plan) (*statement, error) {
	dims, st, err := x.cellDimensions()
	if err != nil {
		return nil, err
	}
	st.aggs = len(p.Aggregates)
	var texts []string
	where, err := x.cellRows()
	if err != nil {
		return nil, err
	}
	if where != "" {
		columns := slices.Clone(dims)
		for i, a := range p.Aggregates {
			sketch := [...]string{"users_sketch", "active_sketch"}[which(a)]
			columns = append(columns, fmt.Sprintf("%s(c.%s) AS x%d", usersSketchName("MergeState"), sketch, i))
		}
		texts = append(texts, fmt.Sprintf("SELECT %s\nFROM cells AS c\nWHERE %s\n%s\n", strings.Join(columns, ", "), where, groupBy(len(dims))))
	}
	if of := x.rowsPlan(); of != nil {
		of.Aggregates = p.Aggregates
		for _, r := range x.sn.s.dialect.sides(of, x.v, x.s.Rows) {
			r.count = sketches
			text, err := r.side(fields{})
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
	}
	st.sql, err = x.sn.s.dialect.together(p, strings.Join(texts, "UNION ALL\n"), sketches)
	return st, err
}
