// Sketch files: the sketches of users of a segment's cells, in a file beside it (docs/design/0019). A
// report of a few cells reads the sketches of these alone, wherever their neighbours lie.
//
// A file is a header, and then of each cell the sketch of its active users and that of the others. Nothing in
// it says where one ends: the cell's row names the place, its lengths, and a checksum of what must be
// there. Most cells have a few users, whose hashes take less than a place and compress well beside each
// other: those lie in the row itself. Cells that have the same users share a place.
package duckstore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/zeebo/xxh3"

	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

const (
	segmentSuffix = ".parquet"
	sketchSuffix  = ".sketches"
	tempSuffix    = ".tmp"

	// sketchMagic and the format version, two bytes, little endian, begin a file.
	sketchMagic  = "tidemarksketch"
	sketchHeader = len(sketchMagic) + 2
)

func segmentName(t store.Table, id uint64) string {
	return fmt.Sprintf("%s-%d%s", t, id, segmentSuffix)
}

// sketchName is the name of the sketch file of a segment of cells.
func sketchName(cells string) string { return strings.TrimSuffix(cells, segmentSuffix) + sketchSuffix }

// sketchTable is the table of the sketches of cells.
func sketchTable(cells store.Table) store.Table {
	if cells == store.KeptCells {
		return store.KeptSketches
	}
	return store.RollupSketches
}

// sketchesOf finds the sketch files of segments of cells among all.
func sketchesOf(all []store.Segment, cells ...store.Segment) []store.Segment {
	var out []store.Segment
	for _, seg := range cells {
		name := sketchName(seg.File)
		for i := range all {
			if all[i].File == name && all[i].Table == sketchTable(seg.Table) {
				out = append(out, all[i])
			}
		}
	}
	return out
}

// shortSketches is how many bytes the sketches of a cell may take to lie in its row.
const shortSketches = 64

// cellPlace is where the sketches of a cell lie.
type cellPlace struct {
	active, passive uint32 // lengths
	at              uint64 // 0: in the row
	sum             uint32 // lower half of XXH3-64; 0 in the row
}

func (p cellPlace) len() int    { return int(p.active) + int(p.passive) }
func (p cellPlace) end() uint64 { return p.at + uint64(p.active) + uint64(p.passive) }

// possible tells whether a row can name the place: no length is believed before that.
func (p cellPlace) possible() bool {
	return p.at >= uint64(sketchHeader) && p.at < 1<<62 && p.active <= sketch.MaxUsersBytes && p.passive <= sketch.MaxUsersBytes
}

func sumOf(b []byte) uint32 { return uint32(xxh3.Hash(b)) }

// placeAt reads a place from placeColumns of a result, and the sketches if they lie in the row: they are the
// engine's memory, and go with the chunk.
func placeAt(r *result, col, row int) (p cellPlace, short []byte) {
	return cellPlace{r.uint32(col, row), r.uint32(col+1, row), r.uint64(col+3, row), r.uint32(col+4, row)}, r.bytes(col+2, row)
}

// write writes p, of these sketches, as the columns of a row.
func (p cellPlace) write(w *chunkWriter, sketches []byte) {
	w.uint32(p.active)
	w.uint32(p.passive)
	if p.at > 0 {
		sketches = nil
	}
	w.bytes(sketches)
	w.uint64(p.at)
	w.uint32(p.sum)
}

// sketchWriter writes a sketch file.
type sketchWriter struct {
	f    *os.File
	w    *bufio.Writer
	at   uint64
	same map[uint64]cellPlace // by XXH3-64
}

func createSketches(path string) (*sketchWriter, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create sketch file: %w", err)
	}
	w := &sketchWriter{f: f, w: bufio.NewWriterSize(f, 1<<18), at: uint64(sketchHeader), same: map[uint64]cellPlace{}}
	header := binary.LittleEndian.AppendUint16([]byte(sketchMagic), formatVersion)
	if _, err := w.w.Write(header); err != nil {
		return nil, errors.Join(fmt.Errorf("write sketch file: %w", err), f.Close())
	}
	return w, nil
}

// add writes the sketches of a cell, active ones first, and returns their place.
func (w *sketchWriter) add(b []byte, active int) (cellPlace, error) {
	p := cellPlace{active: uint32(active), passive: uint32(len(b) - active)}
	if len(b) <= shortSketches {
		return p, nil
	}
	hash := xxh3.Hash(b)
	if was, ok := w.same[hash]; ok && was.active == p.active && was.passive == p.passive {
		return was, nil
	}
	if _, err := w.w.Write(b); err != nil {
		return cellPlace{}, fmt.Errorf("write sketch file: %w", err)
	}
	p.at, p.sum = w.at, uint32(hash)
	w.at += uint64(len(b))
	w.same[hash] = p
	return p, nil
}

func (w *sketchWriter) flush() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("write sketch file: %w", err)
	}
	return nil
}

// sketchReader reads places of a sketch file. It holds a window of the file; places that lie in it cost no call.
type sketchReader struct {
	f      *os.File
	name   string
	window []byte
	from   uint64
}

func openSketches(dir, name string) (*sketchReader, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("open sketch file: %w", err)
	}
	r := &sketchReader{f: f, name: name}
	if err := r.checkHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *sketchReader) checkHeader() error {
	if err := r.fill(0, sketchHeader); err != nil {
		return err
	}
	version := binary.LittleEndian.Uint16(r.window[len(sketchMagic):])
	if string(r.window[:len(sketchMagic)]) != sketchMagic || version > formatVersion {
		return fmt.Errorf("%w: %s is no sketch file of a version that is known", store.ErrCorrupt, r.name)
	}
	return nil
}

// fill reads n bytes from an offset on into the window; the file must have them.
func (r *sketchReader) fill(from uint64, n int) error {
	got, err := r.fillSome(from, n)
	if err == nil && got < n {
		err = fmt.Errorf("%w: %s ends before byte %d", store.ErrCorrupt, r.name, from+uint64(n))
	}
	return err
}

// fillSome is fill where the file may end earlier.
func (r *sketchReader) fillSome(from uint64, n int) (int, error) {
	if cap(r.window) < n {
		r.window = make([]byte, n)
	}
	got, err := r.f.ReadAt(r.window[:n], int64(from))
	r.window, r.from = r.window[:got], from
	if err != nil && !errors.Is(err, io.EOF) {
		return got, fmt.Errorf("read sketch file: %w", err)
	}
	return got, nil
}

// ahead is how much is read at once where places are read one after the other.
const ahead = 1 << 18

// read returns the bytes of a place, which are good until the next call.
func (r *sketchReader) read(p cellPlace) ([]byte, error) {
	if !p.possible() {
		return nil, fmt.Errorf("%w: a cell has %d bytes of sketches at %d of %s", store.ErrCorrupt, p.len(), p.at, r.name)
	}
	if p.at < r.from || p.end() > r.from+uint64(len(r.window)) {
		if _, err := r.fillSome(p.at, max(ahead, p.len())); err != nil {
			return nil, err
		}
	}
	if p.end() > r.from+uint64(len(r.window)) {
		return nil, fmt.Errorf("%w: %s ends before byte %d", store.ErrCorrupt, r.name, p.end())
	}
	b := r.window[p.at-r.from : p.end()-r.from]
	if sumOf(b) != p.sum {
		return nil, fmt.Errorf("%w: %s: the sketches at %d are not those that the cell had: restore it from a backup, "+
			"or rebuild the store from log and archive", store.ErrCorrupt, r.name, p.at)
	}
	return b, nil
}
