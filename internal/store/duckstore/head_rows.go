// Rows in memory, by column: what a head is made of. Texts are kept once per head and
// column and named by a code, for most of them repeat: languages, countries, pages.
//
// One goroutine writes. What a batch added becomes visible as a whole by publish; readers
// take a tableView, whose rows never change, and need no lock (T1, T2).
package duckstore

import (
	"strings"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"
)

const (
	pageBits = 11 // rows of a page: as many as a vector of the engine has
	pageRows = 1 << pageBits

	entryBits = 8
	entryPage = 1 << entryBits

	// A column that has so many texts, three for every four rows or more, is not
	// searched for equal ones any longer: event keys never repeat.
	manyTexts = 4096
)

// memTable holds rows of one table.
type memTable struct {
	columns []column
	cols    []memColumn
	mem     *arena
	rows    int // written, visible or not
	col     int // of the row that is being written
	err     error
	shown   atomic.Pointer[tableView]
}

// memColumn is one column while it is written.
type memColumn struct {
	width int            // bytes of a value; of texts: of a code
	at    unsafe.Pointer // where the page of the current row begins
	pages []unsafe.Pointer
	text  bool
	// texts: entries by code, codes by text (nil once they are too many), and the
	// text of the row before.
	entries  []unsafe.Pointer
	count    uint32
	codes    map[string]uint32
	last     string
	lastCode uint32
}

// tableView is the state of a table after some batch.
type tableView struct {
	columns []column
	cols    []viewColumn
	rows    int
}

type viewColumn struct {
	width   int
	text    bool
	pages   []unsafe.Pointer
	entries []unsafe.Pointer
}

// widthOf is the size of a value in memory; texts are codes.
func widthOf(sqlType string) int {
	switch sqlType {
	case sqlBool, "UTINYINT":
		return 1
	case "UINTEGER", sqlText:
		return 4
	}
	return 8
}

func newMemTable(columns []column, mem *arena) *memTable {
	t := &memTable{columns: columns, mem: mem, cols: make([]memColumn, len(columns))}
	for i, c := range columns {
		t.cols[i] = memColumn{width: widthOf(c.sqlType), text: c.sqlType == sqlText}
		if t.cols[i].text {
			t.cols[i].codes = map[string]uint32{}
		}
	}
	t.publish()
	return t
}

// publish makes the rows written so far visible to those who load a view from now on.
func (t *memTable) publish() {
	v := &tableView{columns: t.columns, rows: t.rows, cols: make([]viewColumn, len(t.cols))}
	for i := range t.cols {
		c := &t.cols[i]
		v.cols[i] = viewColumn{width: c.width, text: c.text, pages: c.pages, entries: c.entries}
	}
	t.shown.Store(v)
}

// slot is where the next column of the current row lies.
func (t *memTable) slot() unsafe.Pointer {
	c := &t.cols[t.col]
	t.col++
	return unsafe.Add(c.at, (t.rows&(pageRows-1))*c.width)
}

// beginRow makes room for a row. After an error the table takes no more rows.
func (t *memTable) beginRow() error {
	if t.err != nil || t.rows&(pageRows-1) != 0 {
		return t.err
	}
	for i := range t.cols {
		c := &t.cols[i]
		if c.at, t.err = t.mem.take(pageRows * c.width); t.err != nil {
			return t.err
		}
		c.pages = append(c.pages, c.at)
	}
	return nil
}

func (t *memTable) uint64(v uint64) { *(*uint64)(t.slot()) = v }
func (t *memTable) int64(v int64)   { *(*int64)(t.slot()) = v }
func (t *memTable) uint32(v uint32) { *(*uint32)(t.slot()) = v }
func (t *memTable) uint8(v uint8)   { *(*uint8)(t.slot()) = v }
func (t *memTable) bool(v bool)     { *(*bool)(t.slot()) = v }

// text writes s, of which nothing is kept.
func (t *memTable) text(s string) {
	c := &t.cols[t.col]
	if s != c.last || c.count == 0 {
		t.encode(c, s)
	}
	*(*uint32)(t.slot()) = c.lastCode
}

// encode finds or makes the code of s.
func (t *memTable) encode(c *memColumn, s string) {
	code, known := c.codes[s]
	if !known && !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		code, known = c.codes[s]
	}
	if !known {
		if code = c.count; !t.addText(c, s) {
			return
		}
	}
	c.lastCode, c.last = code, textAt(entryAt(c.entries, code))
}

// addText gives s the next code.
func (t *memTable) addText(c *memColumn, s string) bool {
	if c.count%entryPage == 0 {
		p, err := t.mem.take(entryPage * textSize)
		if err != nil {
			t.err = err
			return false
		}
		c.entries = append(c.entries, p)
	}
	e := entryAt(c.entries, c.count)
	*(*uint32)(e) = uint32(len(s))
	if len(s) <= inlineText {
		copy(unsafe.Slice((*byte)(unsafe.Add(e, 4)), inlineText), s)
	} else {
		p, err := t.mem.take(len(s))
		if err != nil {
			t.err = err
			return false
		}
		copy(unsafe.Slice((*byte)(p), len(s)), s)
		copy(unsafe.Slice((*byte)(unsafe.Add(e, 4)), 4), s) // the engine compares prefixes first
		*(*unsafe.Pointer)(unsafe.Add(e, 8)) = p
	}
	if c.codes != nil {
		c.codes[textAt(e)] = c.count
		if c.count >= manyTexts && int(c.count) > t.rows/4*3 {
			c.codes = nil
		}
	}
	c.count++
	return true
}

// endRow completes a row.
func (t *memTable) endRow() error {
	if t.col != len(t.cols) {
		panic("BUG: row has not as many values as its table has columns")
	}
	t.col = 0
	t.rows++
	return t.err
}

// entryAt is the text with a code, in the layout of the engine (duckdb_string_t).
func entryAt(entries []unsafe.Pointer, code uint32) unsafe.Pointer {
	return unsafe.Add(entries[code>>entryBits], int(code&(entryPage-1))*textSize)
}

// textAt is the text of an entry, where it lies.
func textAt(e unsafe.Pointer) string {
	n := int(*(*uint32)(e))
	if n <= inlineText {
		return unsafe.String((*byte)(unsafe.Add(e, 4)), n)
	}
	return unsafe.String(*(**byte)(unsafe.Add(e, 8)), n)
}

// uint64 returns a value of eight bytes.
func (v *tableView) uint64(col, row int) uint64 {
	return *(*uint64)(unsafe.Add(v.cols[col].pages[row>>pageBits], (row&(pageRows-1))*8))
}

// uint8 returns a value of one byte.
func (v *tableView) uint8(col, row int) uint8 {
	return *(*uint8)(unsafe.Add(v.cols[col].pages[row>>pageBits], row&(pageRows-1)))
}

// forget gives up everything that points into the table's memory, which is about to
// go: the collector must not find such a pointer afterwards.
func (t *memTable) forget() {
	t.cols, t.rows = nil, 0
	t.shown.Store(nil)
}
