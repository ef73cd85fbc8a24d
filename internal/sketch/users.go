// Users: how many distinct users a set holds, within a stated bound.
package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

// UsersError is the relative error that 95 of 100 estimates stay within: twice
// the standard error 1.04 / sqrt(2^14) of the dense form (S29).
const UsersError = 0.0163

// MaxUsersBytes bounds an encoded sketch: 2^14 registers of a byte, a form, and
// the library's header. Anything longer was not written by us.
const MaxUsersBytes = 1<<14 + 64

// The first byte of an encoded sketch says its form.
const (
	// formList: the hashes of all users, 4 bytes each, little endian, ascending.
	formList = 1
	// formDense: HyperLogLog of precision 14 in version 2 of the library's encoding.
	formDense = 2
)

// maxListed is up to how many users a sketch is a list of their hashes. A list
// takes 4 bytes a user and no time to make; with more users it would be larger than what
// the library makes of it.
const maxListed = 1024

// ErrBytes is what Decode returns for bytes that are no sketch.
var ErrBytes = errors.New("these bytes are no sketch of users")

// Users is a sketch of distinct users. The zero value is empty.
type Users struct {
	// listed are the hashes as long as they are few; nothing is in hll then.
	listed []uint32
	sorted bool // and each once
	hll    *hyperloglog.Sketch
}

// Reset empties u and keeps its memory.
func (u *Users) Reset() { u.listed, u.sorted, u.hll = u.listed[:0], false, nil }

// Add adds the user with this number.
func (u *Users) Add(id uint64) { u.addHash(uint32(mix(id) >> 32)) }

func (u *Users) addHash(h uint32) {
	// Fast path: few users.
	if u.hll == nil && len(u.listed) < maxListed {
		u.listed, u.sorted = append(u.listed, h), false
		return
	}
	// Slow path: a full list may hold repeats.
	if u.hll == nil {
		if u.sort(); len(u.listed) < maxListed {
			u.listed, u.sorted = append(u.listed, h), false
			return
		}
		u.toDense()
	}
	u.hll.InsertHash(spread(h))
}

func (u *Users) sort() {
	if !u.sorted {
		slices.Sort(u.listed)
		u.listed, u.sorted = slices.Compact(u.listed), true
	}
}

func (u *Users) toDense() {
	u.hll = hyperloglog.NewNoSparse()
	for _, h := range u.listed {
		u.hll.InsertHash(spread(h))
	}
	u.listed = u.listed[:0]
}

// Merge adds all users of v, whose set is not changed.
func (u *Users) Merge(v *Users) {
	if v.hll == nil {
		for _, h := range v.listed {
			u.addHash(h)
		}
		return
	}
	if u.hll == nil {
		u.toDense()
	}
	if err := u.hll.Merge(v.hll); err != nil {
		panic("BUG: sketches of one precision do not merge: " + err.Error())
	}
}

// Estimate returns how many distinct users were added, about.
func (u *Users) Estimate() int64 {
	n := 0.0
	if u.hll != nil {
		n = float64(u.hll.Estimate())
	} else {
		u.sort()
		n = float64(len(u.listed))
	}
	// Users of equal hashes count as one; so many are expected among 2^32.
	return int64(math.Round(-hashes * math.Log1p(-min(n/hashes, 0.99))))
}

const hashes = 1 << 32

// AppendBinary appends the encoding of u, which is empty for an empty sketch.
func (u *Users) AppendBinary(dst []byte) ([]byte, error) {
	if u.hll != nil {
		dst, err := u.hll.AppendBinary(append(dst, formDense))
		if err != nil {
			return nil, fmt.Errorf("encode sketch of users: %w", err)
		}
		return dst, nil
	}
	u.sort()
	if len(u.listed) == 0 {
		return dst, nil
	}
	dst = append(dst, formList)
	for _, h := range u.listed {
		dst = binary.LittleEndian.AppendUint32(dst, h)
	}
	return dst, nil
}

// Decode sets u to the sketch that b encodes. b may be reused afterwards.
func (u *Users) Decode(b []byte) error {
	u.Reset()
	switch {
	case len(b) == 0:
		return nil
	case len(b) > MaxUsersBytes:
		return fmt.Errorf("%w: it has %d bytes, and at most %d are possible", ErrBytes, len(b), MaxUsersBytes)
	case b[0] == formList:
		return u.decodeList(b[1:])
	case b[0] != formDense:
		return fmt.Errorf("%w: form %d is not known", ErrBytes, b[0])
	case len(b) < 5 || b[2] != precision || b[4] != 0:
		return fmt.Errorf("%w: it is of another precision, or not dense", ErrBytes)
	}
	u.hll = &hyperloglog.Sketch{}
	if err := u.hll.UnmarshalBinary(b[1:]); err != nil {
		u.hll = nil
		return fmt.Errorf("%w: %w", ErrBytes, err)
	}
	return nil
}

func (u *Users) decodeList(b []byte) error {
	if len(b)%4 != 0 || len(b) > 4*maxListed {
		return fmt.Errorf("%w: a list of %d bytes", ErrBytes, len(b))
	}
	for ; len(b) > 0; b = b[4:] {
		u.listed = append(u.listed, binary.LittleEndian.Uint32(b))
	}
	return nil
}

// precision is the binary logarithm of the number of registers.
const precision = 14

// mix spreads a number over all 64 bits (the finalizer of splitmix64). Numbers of
// clients are places in the log, so their own bits are anything but random.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// spread makes the 64 bits that the library asks for of a hash.
func spread(h uint32) uint64 { return mix(uint64(h)) }
