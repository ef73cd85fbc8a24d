// Users of groups that cells answer for: one cell says it exactly, several are
// merged, and so are the clients that rows name.
package duckstore

import (
	"context"
	"fmt"
	"strings"

	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// settleUsers fills in the aggregates of distinct users.
func (x *rolled) settleUsers(ctx context.Context) error {
	if x.count == store.BoundUsers {
		x.rows.Bound = true
		for i := range x.users {
			if err := x.users[i].boundTouched(); err != nil {
				return err
			}
			x.set(i, func(of int) int64 { return x.users[i].sum[of] })
		}
		return nil
	}
	merge := false
	for i := range x.users {
		x.users[i].countClients()
		if err := x.users[i].countTouched(); err != nil {
			return err
		}
		merge = merge || x.users[i].mustMerge()
	}
	if merge {
		if err := x.mergeSketches(ctx); err != nil {
			return err
		}
	}
	for i := range x.users {
		u := &x.users[i]
		if !u.mustMerge() {
			x.set(i, func(of int) int64 { return u.sum[of] })
			continue
		}
		x.rows.Approximate = true
		x.set(i, u.estimate)
	}
	return nil
}

func (x *rolled) set(row int, users func(of int) int64) {
	for k, a := range x.p.Aggregates {
		if a.Op == store.DistinctUsers {
			x.rows.Aggregates[row][k] = users(which(a))
		}
	}
}

// countClients counts what rows named one by one. A client may be named once for
// each piece of rows.
func (u *usersOf) countClients() {
	if len(u.clients) == 0 {
		return
	}
	active := make(map[uint64]bool, len(u.clients))
	for _, c := range u.clients {
		active[c.id] = active[c.id] || c.active
	}
	var n [2]int64
	for _, is := range active {
		n[0]++
		if is {
			n[1]++
		}
	}
	for of := range n {
		u.sum[of] += n[of]
		u.most[of] = max(u.most[of], n[of])
	}
}

// mustMerge tells whether the group's users are not those of one cell, or of rows
// alone.
func (u *usersOf) mustMerge() bool {
	if u.isDrafted() {
		return false
	}
	return u.cells+int64(u.pieces)+int64(min(1, len(u.is))) > 1
}

// estimate reads the merged sketch. What is known exactly bounds it: there are no
// fewer users than in any one part, and no more than in all parts together.
func (u *usersOf) estimate(of int) int64 {
	return min(max(u.sketch[of].Estimate(), u.most[of]), u.sum[of])
}

// mergeSketches reads the sketches of all cells that the plan matches.
func (x *rolled) mergeSketches(ctx context.Context) error {
	for i := range x.users {
		u := &x.users[i]
		if !u.mustMerge() {
			continue
		}
		u.sketch = [2]*sketch.Users{{}, {}}
		for _, c := range append(u.clients, u.is...) {
			u.sketch[0].Add(c.id)
			if c.active {
				u.sketch[1].Add(c.id)
			}
		}
	}
	from, err := x.from()
	if err != nil || from == "" {
		return err
	}
	keys, kinds, err := x.keys()
	if err != nil {
		return err
	}
	all := x.wantsAll()
	columns := append(keys, "active_sketch")
	if all {
		columns = append(columns, "passive_sketch")
	}
	q := "SELECT " + strings.Join(columns, ", ") + " FROM " + from
	var one sketch.Users
	return x.sn.s.reader.run(ctx, q, func(res *result) error {
		for i := range res.rows {
			u := &x.users[x.row(dimsOf(res, kinds, i))]
			if !u.mustMerge() {
				continue
			}
			if err := one.Decode(res.bytes(len(kinds), i)); err != nil {
				return fmt.Errorf("%w: a cell of %s: %w", store.ErrCorrupt, x.s.rollup.Name, err)
			}
			u.sketch[1].Merge(&one)
			if !all {
				continue
			}
			u.sketch[0].Merge(&one)
			if err := one.Decode(res.bytes(len(kinds)+1, i)); err != nil {
				return fmt.Errorf("%w: a cell of %s: %w", store.ErrCorrupt, x.s.rollup.Name, err)
			}
			u.sketch[0].Merge(&one)
		}
		return nil
	})
}

// wantsAll tells whether users are asked for that were not active.
func (x *rolled) wantsAll() bool {
	for _, a := range x.p.Aggregates {
		if a.Op == store.DistinctUsers && which(a) == 0 {
			return true
		}
	}
	return false
}
