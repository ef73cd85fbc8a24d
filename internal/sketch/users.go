// Users: how many distinct users a set holds, within a stated bound.
package sketch

import (
	"errors"
	"fmt"

	"github.com/axiomhq/hyperloglog"
)

// UsersError is the relative error that 95 of 100 estimates stay within: twice
// the standard error 1.04 / sqrt(2^14) of the dense form (S29).
const UsersError = 0.0163

// MaxUsersBytes bounds an encoded sketch: 2^14 registers of a byte, a version,
// and the library's header. Anything longer was not written by us.
const MaxUsersBytes = 1<<14 + 64

// usersVersion is the first byte of an encoded sketch: HyperLogLog of precision
// 14 in version 2 of the library's encoding, users hashed by mix.
const usersVersion = 1

// ErrBytes is what Decode returns for bytes that are no sketch.
var ErrBytes = errors.New("these bytes are no sketch of users")

// Users is a sketch of distinct users. The zero value is empty.
type Users struct{ hll hyperloglog.Sketch }

// Add adds the user with this number.
func (u *Users) Add(id uint64) { u.hll.InsertHash(mix(id)) }

// Merge adds all users of v, which is not changed.
func (u *Users) Merge(v *Users) {
	if err := u.hll.Merge(&v.hll); err != nil {
		panic("BUG: sketches of one precision do not merge: " + err.Error())
	}
}

// Estimate returns how many distinct users were added, about.
func (u *Users) Estimate() int64 { return int64(u.hll.Estimate()) }

// AppendBinary appends the encoding of u, which is empty for an empty sketch.
func (u *Users) AppendBinary(dst []byte) ([]byte, error) {
	if u.hll.Estimate() == 0 { // also brings it into its compact form
		return dst, nil
	}
	dst, err := u.hll.AppendBinary(append(dst, usersVersion))
	if err != nil {
		return nil, fmt.Errorf("encode sketch of users: %w", err)
	}
	return dst, nil
}

// Decode sets u to the sketch that b encodes. b may be reused afterwards.
func (u *Users) Decode(b []byte) error {
	u.hll = hyperloglog.Sketch{}
	switch {
	case len(b) == 0:
		return nil
	case len(b) > MaxUsersBytes:
		return fmt.Errorf("%w: it has %d bytes, and at most %d are possible", ErrBytes, len(b), MaxUsersBytes)
	case b[0] != usersVersion:
		return fmt.Errorf("%w: version %d is not known", ErrBytes, b[0])
	case len(b) < 3 || b[2] != precision:
		return fmt.Errorf("%w: it is of another precision", ErrBytes)
	}
	if err := u.hll.UnmarshalBinary(b[1:]); err != nil {
		u.hll = hyperloglog.Sketch{}
		return fmt.Errorf("%w: %w", ErrBytes, err)
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
