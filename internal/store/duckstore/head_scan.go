// Scans: how SQL reads rows in memory. The table function head_rows(id, rows, property)
// stands for a table: it gives the first `rows` rows of the table with this id, of one property
// or, if that is 0, of all, with the columns that the query wants.
package duckstore

/*
#include <stdint.h>
#include <stdlib.h>

// The callbacks of the engine's table functions.
void tidemark_head_bind(void *info);
void tidemark_head_init(void *info);
void tidemark_head_fill(void *info, void *output);
void tidemark_head_forget(void *handle);
typedef void (*tidemark_info_t)(void *);
typedef void (*tidemark_fill_t)(void *, void *);
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"tidemark/internal/event"
)

// scanFunction is the name of the table function.
const scanFunction = "head_rows"

// scanPages is how many pages make another thread worth its while.
const scanPages = 16

// scanOf renders the first n rows of a table, of one property or of all (0).
func scanOf(id uint64, n int64, p event.PropertyID) string {
	return fmt.Sprintf("%s(%d, %d, %s)", scanFunction, id, n, propertyLiteral(p))
}

// scans are the tables that SQL can read, by id.
type scans struct {
	mu     sync.RWMutex
	last   uint64
	tables map[uint64]scanSource
}

// scanSource is a table, or rows of one in a given order.
type scanSource struct {
	table *memTable
	order []uint32 // nil: as they were appended
}

func (s *scans) add(t *memTable, order []uint32) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.tables[s.last] = scanSource{table: t, order: order}
	return s.last
}

func (s *scans) remove(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, id)
}

func (s *scans) find(id uint64) (scanSource, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.tables[id]
	return t, ok
}

// headScan is one scan that a query has asked for.
type headScan struct {
	view     *tableView
	order    []uint32
	rows     int
	property uint64
}

// headReader is a scan under way; several threads may share it.
type headReader struct {
	*headScan
	wanted []int // columns, in the order of the output
	next   atomic.Int64
}

// cHandle puts a Go value where C can keep a pointer to it.
func cHandle(v any) unsafe.Pointer {
	p := C.malloc(C.size_t(unsafe.Sizeof(uintptr(0))))
	*(*cgo.Handle)(p) = cgo.NewHandle(v)
	return p
}

func fromHandle[T any](p unsafe.Pointer) T { return (*(*cgo.Handle)(p)).Value().(T) }

//export tidemark_head_forget
func tidemark_head_forget(p unsafe.Pointer) {
	(*(*cgo.Handle)(p)).Delete()
	C.free(p)
}

// register makes the table function known to an engine.
func (s *scans) register(e *engine) error {
	cn, err := e.get()
	if err != nil {
		return err
	}
	defer e.put(cn)
	forget := unsafe.Pointer(C.tidemark_info_t(C.tidemark_head_forget))
	f := mapping.CreateTableFunction()
	defer mapping.DestroyTableFunction(&f)
	mapping.TableFunctionSetName(f, scanFunction)
	for _, parameter := range []mapping.Type{mapping.TypeBigInt, mapping.TypeBigInt, mapping.TypeUBigInt} {
		t := mapping.CreateLogicalType(parameter)
		mapping.TableFunctionAddParameter(f, t)
		mapping.DestroyLogicalType(&t)
	}
	mapping.TableFunctionSetExtraInfo(f, cHandle(s), forget)
	mapping.TableFunctionSetBind(f, unsafe.Pointer(C.tidemark_info_t(C.tidemark_head_bind)))
	mapping.TableFunctionSetInit(f, unsafe.Pointer(C.tidemark_info_t(C.tidemark_head_init)))
	mapping.TableFunctionSetFunction(f, unsafe.Pointer(C.tidemark_fill_t(C.tidemark_head_fill)))
	mapping.TableFunctionSupportsProjectionPushdown(f, true)
	if mapping.RegisterTableFunction(cn.c, f) == mapping.StateError {
		return fmt.Errorf("make the table function %s known to the engine", scanFunction)
	}
	return nil
}

// engineType is the engine's type of a column.
func engineType(sqlType string) mapping.Type {
	switch sqlType {
	case sqlText:
		return mapping.TypeVarchar
	case sqlInt:
		return mapping.TypeBigInt
	case sqlBool:
		return mapping.TypeBoolean
	case "UTINYINT":
		return mapping.TypeUTinyInt
	case "UINTEGER":
		return mapping.TypeUInteger
	}
	return mapping.TypeUBigInt
}

//export tidemark_head_bind
func tidemark_head_bind(p unsafe.Pointer) {
	info := mapping.BindInfo{Ptr: p}
	id, rows, property := parameter(info, 0), parameter(info, 1), parameter(info, 2)
	src, ok := fromHandle[*scans](mapping.BindGetExtraInfo(info)).find(id)
	if !ok {
		mapping.BindSetError(info, fmt.Sprintf("head table %d is gone", id))
		return
	}
	h := &headScan{view: src.table.shown.Load(), order: src.order, rows: int(rows), property: property}
	if most := h.most(); h.rows > most {
		mapping.BindSetError(info, fmt.Sprintf("head table %d has %d rows, not %d", id, most, rows))
		return
	}
	for _, c := range h.view.columns {
		t := mapping.CreateLogicalType(engineType(c.sqlType))
		mapping.BindAddResultColumn(info, c.name, t)
		mapping.DestroyLogicalType(&t)
	}
	mapping.BindSetCardinality(info, mapping.IdxT(h.rows), h.property == 0)
	mapping.BindSetBindData(info, cHandle(h), unsafe.Pointer(C.tidemark_info_t(C.tidemark_head_forget)))
}

// parameter is a parameter of the table function: all of them are whole numbers.
func parameter(info mapping.BindInfo, i int) uint64 {
	v := mapping.BindGetParameter(info, mapping.IdxT(i))
	defer mapping.DestroyValue(&v)
	if i == 2 {
		return mapping.GetUInt64(v)
	}
	return uint64(mapping.GetInt64(v))
}

func (h *headScan) most() int {
	if h.order != nil {
		return len(h.order)
	}
	return h.view.rows
}

//export tidemark_head_init
func tidemark_head_init(p unsafe.Pointer) {
	info := mapping.InitInfo{Ptr: p}
	cur := &headReader{headScan: fromHandle[*headScan](mapping.InitGetBindData(info))}
	for i := range mapping.InitGetColumnCount(info) {
		cur.wanted = append(cur.wanted, int(mapping.InitGetColumnIndex(info, i)))
	}
	threads := 1
	if cur.order == nil { // an order is kept by one thread alone
		threads = 1 + cur.rows/(pageRows*scanPages)
	}
	mapping.InitSetMaxThreads(info, mapping.IdxT(threads))
	mapping.InitSetInitData(info, cHandle(cur), unsafe.Pointer(C.tidemark_info_t(C.tidemark_head_forget)))
}

//export tidemark_head_fill
func tidemark_head_fill(p, output unsafe.Pointer) {
	cur := fromHandle[*headReader](mapping.FunctionGetInitData(mapping.FunctionInfo{Ptr: p}))
	cur.fill(mapping.DataChunk{Ptr: output})
}

// fill writes the next rows, none at the end.
func (cur *headReader) fill(out mapping.DataChunk) {
	for {
		from := int(cur.next.Add(pageRows)) - pageRows
		n := min(pageRows, cur.rows-from)
		if n <= 0 {
			mapping.DataChunkSetSize(out, 0)
			return
		}
		var chosen [pageRows]uint32
		rows := cur.choose(chosen[:0], from, n)
		if len(rows) == 0 {
			continue
		}
		for i, c := range cur.wanted {
			if c >= 0 && c < len(cur.view.cols) { // count(*) wants a column that no table has
				to := mapping.VectorGetData(mapping.DataChunkGetVector(out, mapping.IdxT(i)))
				cur.view.cols[c].gather(to, rows, len(rows) == n && cur.order == nil)
			}
		}
		mapping.DataChunkSetSize(out, mapping.IdxT(len(rows)))
		return
	}
}

// choose returns which of n rows from a place on are wanted.
func (cur *headReader) choose(rows []uint32, from, n int) []uint32 {
	if cur.order != nil {
		return cur.order[from : from+n]
	}
	for row := from; row < from+n; row++ {
		if cur.property == 0 || cur.view.uint64(0, row) == cur.property {
			rows = append(rows, uint32(row))
		}
	}
	return rows
}

// gather copies values of rows to a vector. whole: rows are a page from its beginning on.
func (c *viewColumn) gather(to unsafe.Pointer, rows []uint32, whole bool) {
	switch {
	case c.text:
		out := unsafe.Slice((*[textSize]byte)(to), len(rows))
		for i, row := range rows {
			code := *(*uint32)(c.value(row))
			out[i] = *(*[textSize]byte)(entryAt(c.entries, code))
		}
	case whole:
		n := len(rows) * c.width
		copy(unsafe.Slice((*byte)(to), n), unsafe.Slice((*byte)(c.value(rows[0])), n))
	case c.width == 8:
		out := unsafe.Slice((*uint64)(to), len(rows))
		for i, row := range rows {
			out[i] = *(*uint64)(c.value(row))
		}
	case c.width == 4:
		out := unsafe.Slice((*uint32)(to), len(rows))
		for i, row := range rows {
			out[i] = *(*uint32)(c.value(row))
		}
	default:
		out := unsafe.Slice((*uint8)(to), len(rows))
		for i, row := range rows {
			out[i] = *(*uint8)(c.value(row))
		}
	}
}

// value is where the value of a row lies.
func (c *viewColumn) value(row uint32) unsafe.Pointer {
	return unsafe.Add(c.pages[row>>pageBits], int(row&(pageRows-1))*c.width)
}
