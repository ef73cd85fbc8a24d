// The keys of the database. docs/format/log.md draws them.
package pebblelog

import (
	"encoding/binary"
	"fmt"

	"tidemark/internal/event"
)

// Key kinds: the first byte of every key. Numbers are big endian, so that
// byte order is number order.
const (
	kindMeta   = 0x01 // -> meta
	kindStart  = 0x02 // partition -> start offset
	kindCommit = 0x03 // -> number of the last commit
	kindCount  = 0x04 // property, day, reason -> sum
	kindChunk  = 0x10 // partition, base offset -> chunk
)

const (
	chunkKeyLen = 1 + 2 + 8
	// dayBias makes signed days sort: day -2^31 becomes 0.
	dayBias = 1 << 31
)

func metaKey() []byte   { return []byte{kindMeta} }
func commitKey() []byte { return []byte{kindCommit} }

func startKey(p event.Partition) []byte {
	return binary.BigEndian.AppendUint16([]byte{kindStart}, uint16(p))
}

func appendChunkKey(dst []byte, p event.Partition, base event.Offset) []byte {
	dst = append(dst, kindChunk)
	dst = binary.BigEndian.AppendUint16(dst, uint16(p))
	return binary.BigEndian.AppendUint64(dst, uint64(base))
}

func chunkKey(p event.Partition, base event.Offset) []byte {
	return appendChunkKey(make([]byte, 0, chunkKeyLen), p, base)
}

// chunkBounds returns the first key of p's chunks and the first key after them.
func chunkBounds(p event.Partition) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint16([]byte{kindChunk}, uint16(p))
	upper = binary.BigEndian.AppendUint32(nil, uint32(kindChunk)<<16+uint32(p)+1)
	return lower, upper[1:]
}

func parseChunkKey(key []byte) (event.Partition, event.Offset, error) {
	if len(key) != chunkKeyLen || key[0] != kindChunk {
		return 0, 0, fmt.Errorf("chunk key %x has the wrong form", key)
	}
	p := event.Partition(binary.BigEndian.Uint16(key[1:]))
	return p, event.Offset(binary.BigEndian.Uint64(key[3:])), nil
}

// countID names one sum.
type countID struct {
	property event.PropertyID
	day      int32
	reason   event.RefuseReason
}

func (id countID) appendKey(dst []byte) []byte {
	dst = append(dst, kindCount)
	dst = binary.BigEndian.AppendUint64(dst, uint64(id.property))
	dst = binary.BigEndian.AppendUint32(dst, uint32(int64(id.day)+dayBias))
	return append(dst, id.reason...)
}

func parseCountKey(key []byte) (countID, error) {
	const fixed = 1 + 8 + 4
	if len(key) < fixed || key[0] != kindCount {
		return countID{}, fmt.Errorf("count key %x has the wrong form", key)
	}
	return countID{
		property: event.PropertyID(binary.BigEndian.Uint64(key[1:])),
		day:      int32(int64(binary.BigEndian.Uint32(key[9:])) - dayBias),
		reason:   event.RefuseReason(key[fixed:]),
	}, nil
}
