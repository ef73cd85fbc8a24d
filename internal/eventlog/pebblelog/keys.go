// The keys of the database. docs/format/log.md draws them.
package pebblelog

import (
	"encoding/binary"
	"fmt"

	"tidemark/internal/event"
)

// Key kinds: the first byte of every key. Numbers are big endian, so that
// byte order is number order. What changes with each commit comes after the chunks: a
// file that held keys before and after them would overlap all chunks that there are.
const (
	kindMeta   = 0x01 // -> meta
	kindChunk1 = 0x10 // partition, base offset -> chunk; format version 1
	kindChunk  = 0x11 // chapter, partition, base offset -> chunk; chapter, ffff -> its beginning
	kindStart  = 0xf2 // partition -> start offset
	kindCommit = 0xf3 // -> number of the last commit
	kindCount  = 0xf4 // property, day, reason -> sum

	// Format version 1 has these before the chunks.
	kindStart1  = 0x02
	kindCommit1 = 0x03
	kindCount1  = 0x04
)

const (
	chunkKeyLen = 1 + 4 + 2 + 8
	// dayBias makes signed days sort: day -2^31 becomes 0.
	dayBias = 1 << 31
	// noPartition stands where a chapter begins: after all of its chunks.
	noPartition = 0xffff
)

func metaKey() []byte   { return []byte{kindMeta} }
func commitKey() []byte { return []byte{kindCommit} }

// commitKeyOf is the key in a log of some format version.
func commitKeyOf(version uint32) []byte {
	if version == 1 {
		return []byte{kindCommit1}
	}
	return commitKey()
}

func startKey(p event.Partition) []byte { return startKeyOf(kindStart, p) }

func startKeyOf(kind byte, p event.Partition) []byte {
	return binary.BigEndian.AppendUint16([]byte{kind}, uint16(p))
}

// chapterKey is where the beginning of a chapter is written.
func chapterKey(number uint32) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32([]byte{kindChunk}, number), noPartition)
}

// chapterBounds returns the first key of chapters from one on, and the first key of another.
func chapterBounds(from, to uint32) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint32([]byte{kindChunk}, from)
	if from < firstChapter {
		lower = []byte{kindChunk1}
	}
	return lower, binary.BigEndian.AppendUint32([]byte{kindChunk}, to)
}

// appendChunkPrefix is what all keys of chunks of p in a chapter begin with.
func appendChunkPrefix(dst []byte, chapter uint32, p event.Partition) []byte {
	if chapter < firstChapter {
		dst = append(dst, kindChunk1)
	} else {
		dst = binary.BigEndian.AppendUint32(append(dst, kindChunk), chapter)
	}
	return binary.BigEndian.AppendUint16(dst, uint16(p))
}

func appendChunkKey(dst []byte, chapter uint32, p event.Partition, base event.Offset) []byte {
	return binary.BigEndian.AppendUint64(appendChunkPrefix(dst, chapter, p), uint64(base))
}

func chunkKey(chapter uint32, p event.Partition, base event.Offset) []byte {
	return appendChunkKey(make([]byte, 0, chunkKeyLen), chapter, p, base)
}

// chunkBounds returns the first key of p's chunks in a chapter and the first key after them.
func chunkBounds(chapter uint32, p event.Partition) (lower, upper []byte) {
	return appendChunkPrefix(nil, chapter, p), appendChunkPrefix(nil, chapter, p+1)
}

// chapterOf returns the chapter of a key of kindChunk.
func chapterOf(key []byte) (uint32, error) {
	if len(key) < 5 || key[0] != kindChunk {
		return 0, fmt.Errorf("chunk key %x has the wrong form", key)
	}
	return binary.BigEndian.Uint32(key[1:]), nil
}

func parseChunkKey(key []byte) (event.Partition, event.Offset, error) {
	var place []byte
	switch {
	case len(key) == chunkKeyLen && key[0] == kindChunk:
		place = key[5:]
	case len(key) == chunkKeyLen-4 && key[0] == kindChunk1:
		place = key[1:]
	default:
		return 0, 0, fmt.Errorf("chunk key %x has the wrong form", key)
	}
	return event.Partition(binary.BigEndian.Uint16(place)), event.Offset(binary.BigEndian.Uint64(place[2:])), nil
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
	if len(key) < fixed || (key[0] != kindCount && key[0] != kindCount1) {
		return countID{}, fmt.Errorf("count key %x has the wrong form", key)
	}
	return countID{
		property: event.PropertyID(binary.BigEndian.Uint64(key[1:])),
		day:      int32(int64(binary.BigEndian.Uint32(key[9:])) - dayBias),
		reason:   event.RefuseReason(key[fixed:]),
	}, nil
}
