// Frames: what one append leaves in one partition of the near log, as bytes.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// frameVersion is the first byte of a frame; docs/format/spool.md describes the rest.
const frameVersion = 1

// flagEssential marks a frame of an essential batch.
const flagEssential = 1

// frame is an eventlog.Batch for one partition, with its counts.
type frame struct {
	// oldest is not after the IngestTime of any record in this frame or in one
	// behind it.
	oldest    event.Time
	essential bool
	payloads  [][]byte
	counts    []eventlog.Count // Record is within the frame
}

// appendFrame appends the encoding of f.
func appendFrame(dst []byte, f *frame) []byte {
	flags := byte(0)
	if f.essential {
		flags |= flagEssential
	}
	dst = append(dst, frameVersion, flags)
	dst = binary.AppendVarint(dst, int64(f.oldest))
	dst = binary.AppendUvarint(dst, uint64(len(f.payloads)))
	for _, p := range f.payloads {
		dst = binary.AppendUvarint(dst, uint64(len(p)))
		dst = append(dst, p...)
	}
	for i := range f.counts {
		c := &f.counts[i]
		dst = binary.AppendUvarint(dst, uint64(c.Property))
		dst = binary.AppendVarint(dst, int64(c.Day))
		dst = binary.AppendVarint(dst, c.N)
		dst = binary.AppendUvarint(dst, uint64(c.Record))
		dst = binary.AppendUvarint(dst, uint64(len(c.Reason)))
		dst = append(dst, c.Reason...)
	}
	return dst
}

// size bounds the bytes that appendFrame appends.
func (f *frame) size() int {
	const perCount = 10 + 5 + 10 + 5 + 5
	n := 2 + 2*binary.MaxVarintLen64
	for _, p := range f.payloads {
		n += len(p) + binary.MaxVarintLen32
	}
	for i := range f.counts {
		n += perCount + len(f.counts[i].Reason)
	}
	return n
}

var errFrame = errors.New("frame is malformed")

// parseFrame decodes what appendFrame encoded. The payloads are parts of src.
func parseFrame(src []byte) (f frame, err error) {
	if len(src) < 2 {
		return f, errFrame
	}
	if src[0] != frameVersion {
		return f, fmt.Errorf("frame has format version %d, this program knows %d", src[0], frameVersion)
	}
	if src[1]&^flagEssential != 0 {
		return f, errFrame
	}
	f.essential = src[1]&flagEssential != 0
	d := decoder{src[2:], true}
	f.oldest = event.Time(d.varint())
	records := d.uvarint()
	for i := uint64(0); i < records && d.ok; i++ {
		f.payloads = append(f.payloads, d.bytes())
	}
	for d.ok && len(d.rest) > 0 {
		c := eventlog.Count{Property: event.PropertyID(d.uvarint())}
		day := d.varint()
		c.Day, c.N = int32(day), d.varint()
		record := d.uvarint()
		c.Reason = event.RefuseReason(d.bytes())
		d.ok = d.ok && day == int64(c.Day) && record <= records
		c.Record = int(record)
		f.counts = append(f.counts, c)
	}
	if !d.ok {
		return frame{}, errFrame
	}
	return f, nil
}

// decoder takes values from the front of rest until one is malformed.
type decoder struct {
	rest []byte
	ok   bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	d.skip(n)
	return v
}

func (d *decoder) skip(n int) {
	if d.ok = d.ok && n > 0; d.ok {
		d.rest = d.rest[n:]
	}
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if d.ok = d.ok && n <= uint64(len(d.rest)); !d.ok {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
