// Results: reading the vectors of a chunk that the engine returned.
package duckstore

import (
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// textSize is the size of duckdb_string_t: four bytes of length, then twelve
// bytes of text, or four bytes of prefix and a pointer.
const (
	textSize   = 16
	inlineText = 12
)

// result is one chunk of an answer. What it returns is copied.
type result struct {
	rows int
	data []unsafe.Pointer
	vecs []mapping.Vector
}

func newResult(chunk mapping.DataChunk) *result {
	n := int(mapping.DataChunkGetColumnCount(chunk))
	r := &result{
		rows: int(mapping.DataChunkGetSize(chunk)),
		data: make([]unsafe.Pointer, n),
		vecs: make([]mapping.Vector, n),
	}
	for i := range n {
		v := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
		r.data[i], r.vecs[i] = mapping.VectorGetData(v), v
	}
	return r
}

func (r *result) int64(col, row int) int64 {
	return *(*int64)(unsafe.Add(r.data[col], row*8))
}

func (r *result) uint64(col, row int) uint64 {
	return *(*uint64)(unsafe.Add(r.data[col], row*8))
}

func (r *result) uint32(col, row int) uint32 {
	return *(*uint32)(unsafe.Add(r.data[col], row*4))
}

// list returns a list of UBIGINT. It is the engine's memory, and goes with the chunk.
func (r *result) list(col, row int) []uint64 {
	entry := (*[2]uint64)(unsafe.Add(r.data[col], row*16)) // offset and length
	if entry[1] == 0 {
		return nil
	}
	child := mapping.VectorGetData(mapping.ListVectorGetChild(r.vecs[col]))
	return unsafe.Slice((*uint64)(unsafe.Add(child, entry[0]*8)), entry[1])
}

// bytes returns a BLOB. It is the engine's memory, and goes with the chunk.
func (r *result) bytes(col, row int) []byte {
	p := unsafe.Add(r.data[col], row*textSize)
	n := int(*(*uint32)(p))
	body := unsafe.Add(p, 4)
	if n > inlineText {
		body = *(*unsafe.Pointer)(unsafe.Add(p, 8))
	}
	return unsafe.Slice((*byte)(body), n)
}

func (r *result) bool(col, row int) bool { return *(*bool)(unsafe.Add(r.data[col], row)) }

func (r *result) text(col, row int) string {
	return string(r.bytes(col, row))
}
