// Files: the operations that make a segment durable, behind a small interface
// so that tests can stop after each of them. DuckDB writes the bytes; syncing
// and naming is ours, because DuckDB promises neither.
package duckstore

import (
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"
)

// files is what the store does to files.
type files interface {
	Sync(path string) error
	Rename(from, to string) error
	SyncDir(path string) error
	Remove(path string) error
}

// osFiles is the real thing.
type osFiles struct{}

func (osFiles) Sync(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close() // the sync error says what matters
		return err
	}
	return f.Close()
}

func (osFiles) Rename(from, to string) error { return os.Rename(from, to) }

func (osFiles) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close() // the sync error says what matters
		return err
	}
	return d.Close()
}

func (osFiles) Remove(path string) error { return os.Remove(path) }

// checksum returns XXH3-64 and the size of a file's bytes.
func checksum(path string) (sum uint64, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("read segment back: %w", err)
	}
	defer f.Close() // read only
	h := xxh3.New()
	if size, err = io.Copy(h, f); err != nil {
		return 0, 0, fmt.Errorf("read segment back: %w", err)
	}
	return h.Sum64(), size, nil
}
