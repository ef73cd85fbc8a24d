// Encoded sketches: a list of hashes, or registers in whichever form takes fewer bytes.
// docs/format/segments.md describes them.
package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The first byte of an encoded sketch says its form.
const (
	// formList: the hashes of all users, 4 bytes each, little endian, ascending.
	formList = 1
	// formBytes: registers of a byte each, behind a header of 8 bytes. It is no longer written.
	formBytes = 2
	// formGaps: of each register that is not zero one byte: how many zeros are before it, times 16, plus its
	// rank. 0xf0 stands for 15 zeros; of rank 15 the next byte is the rank.
	formGaps = 3
	// formNibbles: the least rank, then half a byte of each register, the first one in the lower half: by how
	// much it is larger. Of each that is 15 the rank follows behind all, in a byte.
	formNibbles = 4
)

const (
	nibble      = 15 // as a value: look elsewhere
	skip        = nibble << 4
	nibbleBytes = 1 << precision / 2
	// bytesHeader begins formBytes: form, version 2, precision, no bias, dense, the number of registers.
	bytesHeader = "\x02\x02\x0e\x00\x00\x00\x00\x40\x00"
)

// MaxUsersBytes bounds an encoded sketch. Anything longer was not written by us.
const MaxUsersBytes = 1<<precision + 64

// ErrBytes is what Decode and MergeEncoded return for bytes that are no sketch.
var ErrBytes = errors.New("these bytes are no sketch of users")

// AppendBinary appends the encoding of u, which is empty for an empty sketch.
func (u *Users) AppendBinary(dst []byte) []byte {
	if u.dense {
		return u.regs.append(dst)
	}
	u.sort()
	if len(u.listed) == 0 {
		return dst
	}
	dst = append(dst, formList)
	for _, h := range u.listed {
		dst = binary.LittleEndian.AppendUint32(dst, h)
	}
	return dst
}

// append appends the shorter one of the two forms.
func (r *registers) append(dst []byte) []byte {
	least, high := r[0], 0
	for _, rank := range r {
		least = min(least, rank)
	}
	for _, rank := range r {
		if rank-least >= nibble {
			high++
		}
	}
	start, limit := len(dst), 2+nibbleBytes+high
	dst = append(dst, formGaps)
	gap := 0
	for _, rank := range r {
		if rank == 0 {
			gap++
			continue
		}
		for ; gap >= nibble; gap -= nibble {
			dst = append(dst, skip)
		}
		if dst = append(dst, byte(gap)<<4|min(rank, nibble)); rank >= nibble {
			dst = append(dst, rank)
		}
		if gap = 0; len(dst)-start > limit {
			return r.appendNibbles(dst[:start], least)
		}
	}
	return dst
}

func (r *registers) appendNibbles(dst []byte, least uint8) []byte {
	dst = append(dst, formNibbles, least)
	for i := 0; i < len(r); i += 2 {
		dst = append(dst, min(r[i]-least, nibble)|min(r[i+1]-least, nibble)<<4)
	}
	for _, rank := range r {
		if rank-least >= nibble {
			dst = append(dst, rank)
		}
	}
	return dst
}

// Decode sets u to the sketch that b encodes. b may be reused afterwards.
func (u *Users) Decode(b []byte) error {
	u.Reset()
	return u.MergeEncoded(b)
}

// MergeEncoded adds all users of the sketch that b encodes. After an error u is of no use. b may be
// reused afterwards.
func (u *Users) MergeEncoded(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) > MaxUsersBytes {
		return fmt.Errorf("%w: it has %d bytes, and at most %d are possible", ErrBytes, len(b), MaxUsersBytes)
	}
	if b[0] == formList {
		return u.mergeList(b[1:])
	}
	u.toDense()
	switch b[0] {
	case formBytes:
		return u.regs.mergeBytes(b)
	case formGaps:
		return u.regs.mergeGaps(b[1:])
	case formNibbles:
		return u.regs.mergeNibbles(b[1:])
	}
	return fmt.Errorf("%w: form %d is not known", ErrBytes, b[0])
}

// mergeList merges two lists in order, so that what they have in common costs no more than the rest.
func (u *Users) mergeList(b []byte) error {
	if len(b)%4 != 0 || len(b) > 4*maxListed {
		return fmt.Errorf("%w: a list of %d bytes", ErrBytes, len(b))
	}
	var ours []uint32
	if !u.dense {
		u.sort()
		ours = u.listed
	}
	both := u.spare[:0]
	for last := int64(-1); len(b) > 0; b = b[4:] {
		h := binary.LittleEndian.Uint32(b)
		if int64(h) <= last {
			return fmt.Errorf("%w: a list that is not in order", ErrBytes)
		}
		last = int64(h)
		if u.dense {
			u.regs.add(spread(h))
			continue
		}
		for ; len(ours) > 0 && ours[0] < h; ours = ours[1:] {
			both = append(both, ours[0])
		}
		if len(ours) > 0 && ours[0] == h {
			ours = ours[1:]
		}
		both = append(both, h)
	}
	if u.dense {
		return nil
	}
	u.listed, u.spare = append(both, ours...), u.listed
	if len(u.listed) > maxListed {
		u.toDense()
	}
	return nil
}

func (r *registers) mergeBytes(b []byte) error {
	if len(b) != len(bytesHeader)+len(r) || string(b[:len(bytesHeader)]) != bytesHeader {
		return fmt.Errorf("%w: it is of another precision, or not dense", ErrBytes)
	}
	b = b[len(bytesHeader):]
	for i, rank := range b {
		if rank > maxRank {
			return rankError(i, rank)
		}
	}
	r.merge(b)
	return nil
}

func (r *registers) mergeGaps(b []byte) error {
	at := 0
	for len(b) > 0 {
		rank := b[0] & nibble
		at += int(b[0] >> 4)
		if rank == 0 {
			if b[0] != skip {
				return fmt.Errorf("%w: a register of rank 0", ErrBytes)
			}
			b = b[1:]
			continue
		}
		b = b[1:]
		if rank == nibble {
			if len(b) == 0 || b[0] < nibble || b[0] > maxRank {
				return fmt.Errorf("%w: the rank of register %d is missing or impossible", ErrBytes, at)
			}
			rank, b = b[0], b[1:]
		}
		if at >= len(r) {
			return fmt.Errorf("%w: it has more than %d registers", ErrBytes, len(r))
		}
		r[at] = max(r[at], rank)
		at++
	}
	return nil
}

func (r *registers) mergeNibbles(b []byte) error {
	if len(b) < 1+nibbleBytes || b[0] > maxRank {
		return fmt.Errorf("%w: registers of %d bytes", ErrBytes, len(b))
	}
	least, halves, high := b[0], (*[nibbleBytes]byte)(b[1:]), b[1+nibbleBytes:]
	for i, two := range halves {
		low, up := two&nibble, two>>4
		// Fast path: no rank is elsewhere, or too large.
		if low < nibble && up < nibble && least <= maxRank-nibble {
			r[2*i], r[2*i+1] = max(r[2*i], least+low), max(r[2*i+1], least+up)
			continue
		}
		for k, more := range [2]uint8{low, up} {
			at, rank := 2*i+k, least+more
			if more == nibble {
				if len(high) == 0 || high[0] < rank {
					return fmt.Errorf("%w: the rank of register %d is missing or impossible", ErrBytes, at)
				}
				rank, high = high[0], high[1:]
			}
			if rank > maxRank {
				return rankError(at, rank)
			}
			r[at] = max(r[at], rank)
		}
	}
	if len(high) > 0 {
		return fmt.Errorf("%w: %d bytes follow it", ErrBytes, len(high))
	}
	return nil
}

func rankError(register int, rank uint8) error {
	return fmt.Errorf("%w: register %d has rank %d, and at most %d is possible", ErrBytes, register, rank, maxRank)
}
