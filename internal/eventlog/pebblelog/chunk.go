// A chunk: the records that one commit put into one partition, in one value.
package pebblelog

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const (
	chunkVersion   = 1
	chunkHeaderLen = 16
	chunkSumLen    = 8
	// chunkTarget is where a chunk is closed and the next begins. Bigger: a
	// read of a few records has to fetch and check more than it returns.
	// Smaller: more keys.
	chunkTarget = 256 << 10
)

// chunkLen returns the size of a chunk with n records of bytes bytes.
func chunkLen(n, bytes int) int { return chunkHeaderLen + 4*n + bytes + chunkSumLen }

// chunkSum covers the place of the chunk as well as its bytes (P4).
func chunkSum(p event.Partition, base event.Offset, body []byte) uint64 {
	return xxh3.HashSeed(body, uint64(event.MakeRowID(p, base)))
}

// putChunk writes a chunk into dst, which has exactly chunkLen bytes.
func putChunk(
	dst []byte, p event.Partition, base event.Offset, commit uint64, payloads [][]byte,
) {
	dst[0] = chunkVersion
	dst[1], dst[2], dst[3] = 0, 0, 0
	binary.LittleEndian.PutUint32(dst[4:], uint32(len(payloads)))
	binary.LittleEndian.PutUint64(dst[8:], commit)
	table := dst[chunkHeaderLen:]
	data := dst[chunkHeaderLen+4*len(payloads) : len(dst)-chunkSumLen]
	end := 0
	for i, payload := range payloads {
		end += copy(data[end:], payload)
		binary.LittleEndian.PutUint32(table[4*i:], uint32(end))
	}
	sum := chunkSum(p, base, dst[:len(dst)-chunkSumLen])
	binary.LittleEndian.PutUint64(dst[len(dst)-chunkSumLen:], sum)
}

// chunk is a checked view of a chunk's bytes, which it does not own.
type chunk struct {
	base   event.Offset
	count  int
	commit uint64
	table  []byte
	data   []byte
}

// parseChunk checks everything about value that can be wrong.
func parseChunk(p event.Partition, base event.Offset, value []byte) (chunk, error) {
	damaged := func(what string) error {
		return fmt.Errorf("chunk at partition %d offset %d: %s: %w", p, base, what, eventlog.ErrCorrupt)
	}
	if len(value) < chunkHeaderLen+chunkSumLen {
		return chunk{}, damaged("too short")
	}
	if base >= offsetLimit {
		return chunk{}, damaged("offset out of range")
	}
	body := value[:len(value)-chunkSumLen]
	if binary.LittleEndian.Uint64(value[len(body):]) != chunkSum(p, base, body) {
		return chunk{}, damaged("checksum does not match")
	}
	if body[0] != chunkVersion {
		return chunk{}, damaged(fmt.Sprintf("version %d is unknown", body[0]))
	}
	count := int64(binary.LittleEndian.Uint32(body[4:]))
	if count == 0 || chunkHeaderLen+4*count > int64(len(body)) {
		return chunk{}, damaged("record count does not fit")
	}
	c := chunk{
		base:   base,
		count:  int(count),
		commit: binary.LittleEndian.Uint64(body[8:]),
		table:  body[chunkHeaderLen : chunkHeaderLen+4*count],
		data:   body[chunkHeaderLen+4*count:],
	}
	last := 0
	for i := range c.count {
		end := c.end(i)
		if end < last || end > len(c.data) {
			return chunk{}, damaged("record lengths do not fit")
		}
		last = end
	}
	if last != len(c.data) {
		return chunk{}, damaged("bytes after the last record")
	}
	return c, nil
}

func (c *chunk) end(i int) int { return int(binary.LittleEndian.Uint32(c.table[4*i:])) }

func (c *chunk) start(i int) int {
	if i == 0 {
		return 0
	}
	return c.end(i - 1)
}

// endOffset is the offset after the chunk's last record.
func (c *chunk) endOffset() event.Offset { return c.base + event.Offset(c.count) }

// appendEntries copies records from offset from on into dst, at least one if
// dst is to get any, and at most budget bytes. All payloads of a call share one
// allocation. It returns the bytes used and whether the budget ended it.
func (c *chunk) appendEntries(
	dst []eventlog.Entry, from, limit event.Offset, budget int, atLeastOne bool,
) (_ []eventlog.Entry, used int, full bool) {
	first := int(from - c.base)
	last := int(min(limit, c.endOffset()) - c.base)
	begin := c.start(first)
	stop := first
	for stop < last && (c.end(stop)-begin <= budget || (atLeastOne && stop == first)) {
		stop++
	}
	if stop == first {
		return dst, 0, first < last
	}
	used = c.end(stop-1) - begin
	owned := make([]byte, used)
	copy(owned, c.data[begin:])
	for i := first; i < stop; i++ {
		lo, hi := c.start(i)-begin, c.end(i)-begin
		dst = append(dst, eventlog.Entry{
			Offset:  c.base + event.Offset(i),
			Payload: owned[lo:hi:hi],
		})
	}
	return dst, used, stop < last
}
