// Chunks: rows become vectors of the engine, for tables that live as long as a piece of work. It
// writes vector memory directly.
package duckstore

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// chunkWriter fills chunks for one table and hands full ones to an appender.
// The caller calls one typed method per column, in schema order, then endRow.
type chunkWriter struct {
	app   mapping.Appender
	chunk mapping.DataChunk
	types []mapping.LogicalType
	vecs  []mapping.Vector
	data  []unsafe.Pointer
	// last is the text written to the row before, per column: runs of equal texts
	// are common, and a copy of the vector's own entry costs no call and no memory.
	last []string
	row  int
	col  int
	cap  int
}

// newChunkWriter opens an appender for table on cn.
func newChunkWriter(cn *conn, table string) (*chunkWriter, error) {
	w := &chunkWriter{cap: int(mapping.VectorSize())}
	if mapping.AppenderCreateExt(cn.c, "", "main", table, &w.app) == mapping.StateError {
		err := fmt.Errorf("append to %s: %s", table, mapping.AppenderError(w.app))
		mapping.AppenderDestroy(&w.app)
		return nil, err
	}
	n := int(mapping.AppenderColumnCount(w.app))
	for i := range n {
		w.types = append(w.types, mapping.AppenderColumnType(w.app, mapping.IdxT(i)))
	}
	w.vecs = make([]mapping.Vector, n)
	w.data = make([]unsafe.Pointer, n)
	w.last = make([]string, n)
	w.chunk = mapping.CreateDataChunk(w.types)
	w.bind()
	return w, nil
}

// bind finds the vectors' memory, which a reset may move.
func (w *chunkWriter) bind() {
	for i := range w.vecs {
		w.vecs[i] = mapping.DataChunkGetVector(w.chunk, mapping.IdxT(i))
		w.data[i] = mapping.VectorGetData(w.vecs[i])
	}
	w.row, w.col = 0, 0
}

func (w *chunkWriter) uint64(v uint64) {
	*(*uint64)(unsafe.Add(w.data[w.col], w.row*8)) = v
	w.col++
}

func (w *chunkWriter) int64(v int64) { w.uint64(uint64(v)) }

func (w *chunkWriter) uint32(v uint32) {
	*(*uint32)(unsafe.Add(w.data[w.col], w.row*4)) = v
	w.col++
}

func (w *chunkWriter) uint8(v uint8) {
	*(*uint8)(unsafe.Add(w.data[w.col], w.row)) = v
	w.col++
}

// text writes s. Short texts lie in the vector entry itself; long ones are
// copied by the engine into the vector's heap.
func (w *chunkWriter) text(s string) {
	col := w.col
	w.col++
	p := unsafe.Add(w.data[col], w.row*textSize)
	// Fast path: the same text as in the row before.
	if w.row > 0 && s == w.last[col] {
		*(*[textSize]byte)(p) = *(*[textSize]byte)(unsafe.Add(p, -textSize))
		return
	}
	w.last[col] = s
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= inlineText {
		entry := (*[textSize]byte)(p)
		*entry = [textSize]byte{}
		*(*uint32)(p) = uint32(len(s))
		copy(entry[4:], s)
		return
	}
	// Slow path: a call into the engine.
	mapping.VectorAssignStringElementLen(w.vecs[col], mapping.IdxT(w.row),
		unsafe.Slice(unsafe.StringData(s), len(s)))
}

// bytes writes a BLOB.
func (w *chunkWriter) bytes(b []byte) {
	col := w.col
	w.col++
	p := unsafe.Add(w.data[col], w.row*textSize)
	if len(b) <= inlineText {
		entry := (*[textSize]byte)(p)
		*entry = [textSize]byte{}
		*(*uint32)(p) = uint32(len(b))
		copy(entry[4:], b)
		return
	}
	mapping.VectorAssignStringElementLen(w.vecs[col], mapping.IdxT(w.row), b)
}

func (w *chunkWriter) endRow() error {
	if w.col != len(w.vecs) {
		panic(fmt.Sprintf("BUG: row has %d columns, table %d", w.col, len(w.vecs)))
	}
	w.col = 0
	w.row++
	if w.row < w.cap {
		return nil
	}
	return w.push()
}

func (w *chunkWriter) push() error {
	if w.row == 0 {
		return nil
	}
	mapping.DataChunkSetSize(w.chunk, mapping.IdxT(w.row))
	if mapping.AppendDataChunk(w.app, w.chunk) == mapping.StateError {
		return w.failure()
	}
	mapping.DataChunkReset(w.chunk)
	w.bind()
	return nil
}

// flush puts all rows into the table, in the transaction of its connection.
func (w *chunkWriter) flush() error {
	if err := w.push(); err != nil {
		return err
	}
	if mapping.AppenderFlush(w.app) == mapping.StateError {
		return w.failure()
	}
	clear(w.last) // they belong to the caller
	return nil
}

// failure is what the appender says of its last operation.
func (w *chunkWriter) failure() error {
	d := mapping.AppenderErrorData(w.app)
	defer mapping.DestroyErrorData(&d)
	return queryError(context.Background(), mapping.ErrorDataErrorType(d), mapping.ErrorDataMessage(d))
}

// close drops the writer and what it has not flushed.
func (w *chunkWriter) close() {
	mapping.AppenderClear(w.app)
	mapping.AppenderDestroy(&w.app)
	mapping.DestroyDataChunk(&w.chunk)
	for i := range w.types {
		mapping.DestroyLogicalType(&w.types[i])
	}
}
