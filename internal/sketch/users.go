// Users: how many distinct users a set holds, within a stated bound.
package sketch

import (
	"math"
	"slices"
)

// UsersError is the relative error that 95 of 100 estimates stay within: twice
// the standard error 1.04 / sqrt(2^14) of the dense form (S29).
const UsersError = 0.0163

// maxListed is up to how many users a sketch is a list of their hashes. A list
// takes 4 bytes a user and no time to make; with more users it would be larger than what
// the registers take.
const maxListed = 1024

// Users is a sketch of distinct users. The zero value is empty.
type Users struct {
	// listed are the hashes as long as they are few; the registers say nothing then.
	listed []uint32
	sorted bool     // and each once
	spare  []uint32 // memory for the next list
	dense  bool
	regs   *registers // nil until they are needed; a Reset keeps them
}

// Reset empties u and keeps its memory.
func (u *Users) Reset() { u.listed, u.sorted, u.dense = u.listed[:0], false, false }

// Add adds the user with this number.
func (u *Users) Add(id uint64) { u.addHash(uint32(mix(id) >> 32)) }

func (u *Users) addHash(h uint32) {
	// Fast path: few users.
	if !u.dense && len(u.listed) < maxListed {
		u.listed, u.sorted = append(u.listed, h), false
		return
	}
	// Slow path: a full list may hold repeats.
	if !u.dense {
		if u.sort(); len(u.listed) < maxListed {
			u.listed, u.sorted = append(u.listed, h), false
			return
		}
		u.toDense()
	}
	u.regs.add(spread(h))
}

func (u *Users) sort() {
	if !u.sorted {
		slices.Sort(u.listed)
		u.listed, u.sorted = slices.Compact(u.listed), true
	}
}

// toDense turns a list into registers.
func (u *Users) toDense() {
	if u.dense {
		return
	}
	if u.regs == nil {
		u.regs = &registers{}
	} else {
		clear(u.regs[:])
	}
	for _, h := range u.listed {
		u.regs.add(spread(h))
	}
	u.listed, u.dense = u.listed[:0], true
}

// Merge adds all users of v, whose set is not changed.
func (u *Users) Merge(v *Users) {
	if !v.dense {
		for _, h := range v.listed {
			u.addHash(h)
		}
		return
	}
	u.toDense()
	u.regs.merge(v.regs[:])
}

// Estimate returns how many distinct users were added, about.
func (u *Users) Estimate() int64 {
	n := 0.0
	if u.dense {
		n = u.regs.estimate()
	} else {
		u.sort()
		n = float64(len(u.listed))
	}
	// Users of equal hashes count as one; so many are expected among 2^32.
	return int64(math.Round(-hashes * math.Log1p(-min(n/hashes, 0.99))))
}

const hashes = 1 << 32

// mix spreads a number over all 64 bits (the finalizer of splitmix64). Numbers of
// clients are places in the log, so their own bits are anything but random.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// spread makes 64 bits of a hash: some choose a register, the rest are its rank.
func spread(h uint32) uint64 { return mix(uint64(h)) }
