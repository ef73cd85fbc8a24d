// Order: rows of a head as they shall lie in a segment (sortOrder). It is found here and not
// by the engine, which would copy all columns to sort them.
package duckstore

import (
	"cmp"
	"slices"

	"tidemark/internal/store"
)

// rowKey is a row and what decides its place.
type rowKey struct {
	property, second, third uint64
	sub                     uint8
	row                     uint32
}

func (a rowKey) compare(b rowKey) int {
	if c := cmp.Compare(a.property, b.property); c != 0 {
		return c
	}
	if c := cmp.Compare(a.second, b.second); c != 0 {
		return c
	}
	if c := cmp.Compare(a.third, b.third); c != 0 {
		return c
	}
	if c := cmp.Compare(a.sub, b.sub); c != 0 {
		return c
	}
	return cmp.Compare(a.row, b.row)
}

// fileOrder returns the rows of v that go into a segment, in order. Of sessions and aliases
// only the highest revision goes: the others can never count.
func fileOrder(t store.Table, v *tableView) []uint32 {
	at := map[string]int{}
	for i, c := range v.columns {
		at[c.name] = i
	}
	keys := make([]rowKey, v.rows)
	fill := func(k *rowKey, second, third int) {
		row := int(k.row)
		k.property, k.second, k.third = v.uint64(at["property"], row), v.uint64(second, row), v.uint64(third, row)
	}
	for i := range keys {
		keys[i].row = uint32(i)
	}
	switch t {
	case store.YoungSessions:
		keys = latest(keys, func(k *rowKey) { fill(k, at["session"], at["revision"]) })
		for i := range keys {
			fill(&keys[i], at["start_time"], at["session"])
			keys[i].second = ordered(keys[i].second)
		}
	case store.YoungAliases:
		keys = latest(keys, func(k *rowKey) { fill(k, at["part"], at["revision"]) })
		for i := range keys {
			keys[i].third = 0
		}
	default:
		for i := range keys {
			fill(&keys[i], at["event_time"], at["row_id"])
			keys[i].second = ordered(keys[i].second)
			keys[i].sub = v.uint8(at["sub"], int(keys[i].row))
		}
	}
	slices.SortFunc(keys, rowKey.compare)
	order := make([]uint32, len(keys))
	for i, k := range keys {
		order[i] = k.row
	}
	return order
}

// latest keeps, of rows with equal property and second key, the one with the highest
// third: its revision.
func latest(keys []rowKey, fill func(*rowKey)) []rowKey {
	for i := range keys {
		fill(&keys[i])
	}
	slices.SortFunc(keys, rowKey.compare)
	kept := keys[:0]
	for i, k := range keys {
		if i+1 < len(keys) && keys[i+1].property == k.property && keys[i+1].second == k.second {
			continue
		}
		kept = append(kept, k)
	}
	return kept
}

// ordered maps a signed value to one that compares alike without a sign.
func ordered(v uint64) uint64 { return v ^ 1<<63 }
