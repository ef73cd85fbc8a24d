// RowBinary: ClickHouse's format of rows without names or escapes, any byte
// in a text is itself. Appending and reading its values.
package clickstore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

func appendUint16(dst []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(dst, v) }
func appendUint32(dst []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(dst, v) }
func appendUint64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }
func appendInt64(dst []byte, v int64) []byte   { return binary.LittleEndian.AppendUint64(dst, uint64(v)) }

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// appendText appends a text. Bytes that are no UTF-8 become U+FFFD: patterns
// would not match them.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendTexts(dst []byte, texts ...string) []byte {
	for _, s := range texts {
		dst = appendText(dst, s)
	}
	return dst
}

// maxText bounds a text of an answer: a broken one must not take all memory.
const maxText = 64 << 20

// decoder reads values of one answer. After an error all are zero.
type decoder struct {
	in  *bufio.Reader
	err error
}

// decodeRows calls row until the answer ends, which it may at the end of a row only.
func decodeRows(in *bufio.Reader, row func(*decoder)) error {
	d := &decoder{in: in}
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return nil
		}
		row(d)
		if d.err != nil {
			return d.err
		}
	}
}

func (d *decoder) read(n int) []byte {
	if d.err != nil {
		return make([]byte, n)
	}
	buf := make([]byte, n)
	if _, err := io.ReadFull(d.in, buf); err != nil {
		d.fail(err)
		return make([]byte, n)
	}
	return buf
}

func (d *decoder) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if d.err == nil {
		d.err = fmt.Errorf("read answer of clickhouse: %w", err)
	}
}

func (d *decoder) uint16() uint16 { return binary.LittleEndian.Uint16(d.read(2)) }
func (d *decoder) uint64() uint64 { return binary.LittleEndian.Uint64(d.read(8)) }
func (d *decoder) int32() int32   { return int32(binary.LittleEndian.Uint32(d.read(4))) }
func (d *decoder) int64() int64   { return int64(d.uint64()) }

func (d *decoder) length() int {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(d.in)
	if err == nil && n > maxText {
		err = fmt.Errorf("a text of %d bytes", n)
	}
	if err != nil {
		d.fail(err)
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return string(d.read(d.length())) }
