// The file system as Pebble sees it: one order is enforced that Pebble takes for
// granted, and WALs of portable states are new files.
package pebblestate

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS syncs a directory before a marker is made in it. A marker names the
// manifest that counts; Pebble makes both and then syncs the directory once. A
// file system that does not keep the order of directory entries could after a
// power cut have the marker without the manifest, and the state would not open.
type orderedFS struct {
	vfs.FS
	// portable: a WAL begins empty. One that takes over a former one's file has that
	// one's bytes behind its own, and each copy of the state would.
	portable bool
}

// Unwrap lets Pebble find the file system below.
func (fs orderedFS) Unwrap() vfs.FS { return fs.FS }

// Create implements vfs.FS.
func (fs orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(fs.PathBase(name), "marker.") {
		dir, err := fs.OpenDir(fs.PathDir(name))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, category)
}

// ReuseForWrite implements vfs.FS.
func (fs orderedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if !fs.portable {
		return fs.FS.ReuseForWrite(oldname, newname, category)
	}
	if err := fs.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.FS.Create(newname, category)
}
