// Users of groups that cells answer for: one cell says it exactly, several are
// merged, and so are the clients that rows name.
package duckstore

import (
	"context"
	"slices"

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

// mergeSketches adds up the users of each group that needs it: those of its cells, and those that rows name.
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
	x.all = slices.ContainsFunc(x.p.Aggregates, func(a store.Aggregate) bool { return a.Op == store.DistinctUsers && which(a) == 0 })
	if !x.gathered {
		if err := x.mergeHeld(ctx); err != nil {
			return err
		}
		if err := x.gatherPlaces(ctx); err != nil {
			return err
		}
	}
	if err := x.mergeWanted(ctx); err != nil {
		return err
	}
	for i := range x.users {
		if u := &x.users[i]; x.all && u.mustMerge() {
			u.sketch[0].Merge(u.sketch[1])
		}
	}
	return nil
}
