// Cutting files into pieces, so that what is known is found again.
package remote

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"tidemark/internal/blob"
)

// isTable tells whether Pebble never changes a file of this name once it is
// there: tables, and the values that were separated from them. WALs and lists of
// tables grow.
func isTable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// isSame tells whether both are one file that nobody has written meanwhile. Links
// to it are.
func isSame(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// cut is how a file is made of pieces.
type cut struct {
	kept  []piece // known ones, at its beginning
	fresh []upload
}

// cutFile reads the file. What begins with known pieces keeps them, so of a file
// that grows only the new end is fresh. A short last piece goes into the next
// one: a file that grows by crumbs would else have as many pieces.
func cutFile(path string, size int64, before []piece) (c cut, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	offset := int64(0)
	for i, p := range before {
		isCrumb := i == len(before)-1 && p.Size < smallPiece && offset+p.Size < size
		if isCrumb || offset+p.Size > size {
			break
		}
		sum, err := sumOf(f, offset, p.Size)
		if err != nil {
			return c, err
		}
		if sum.String() != p.Sum {
			break
		}
		c.kept = append(c.kept, p)
		offset += p.Size
	}
	for offset < size {
		n := min(size-offset, maxPiece)
		sum, err := sumOf(f, offset, n)
		if err != nil {
			return c, err
		}
		c.fresh = append(c.fresh, upload{path: path, offset: offset, content: blob.Content{Size: n, Sum: sum}})
		offset += n
	}
	return c, nil
}

func sumOf(r io.ReaderAt, offset, size int64) (sum blob.Sum, err error) {
	hash := sha256.New()
	n, err := io.Copy(hash, io.NewSectionReader(r, offset, size))
	if err == nil && n != size {
		err = fmt.Errorf("file ends at %d, not %d: %w", offset+n, offset+size, io.ErrUnexpectedEOF)
	}
	return blob.Sum(hash.Sum(nil)), err
}

// section is a file from an offset on.
type section struct {
	io.ReaderAt
	offset int64
}

func (s section) ReadAt(p []byte, at int64) (int, error) { return s.ReaderAt.ReadAt(p, s.offset+at) }

// inventory says what is known of all files.
func (b *base) inventory(n, builtOn name) *inventory {
	inv := &inventory{Version: FormatVersion, Name: n.String()}
	if builtOn != (name{}) {
		inv.Base = builtOn.String()
	}
	for _, fileName := range slices.Sorted(maps.Keys(b.files)) {
		f := file{Name: fileName, Pieces: b.files[fileName].pieces}
		for _, p := range f.Pieces {
			f.Size += p.Size
		}
		inv.Files = append(inv.Files, f)
	}
	return inv
}
