// A file system that keeps one order which Pebble takes for granted.
package pebblelog

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS syncs a directory before a marker is made in it. A marker names the
// manifest that counts; Pebble makes both and then syncs the directory once. A
// file system that does not keep the order of directory entries could after a
// crash have the marker without the manifest, and the log would not open. The
// crash tests show it. Markers are rare: at Open and when a manifest is full.
type orderedFS struct{ vfs.FS }

func (fs orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(fs.PathBase(name), "marker.") {
		if err := syncDir(fs.FS, fs.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, category)
}

// Unwrap lets Pebble find the file system below.
func (fs orderedFS) Unwrap() vfs.FS { return fs.FS }

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	if err := d.Sync(); err != nil {
		_ = d.Close()
		return fmt.Errorf("sync directory: %w", err)
	}
	return d.Close()
}
