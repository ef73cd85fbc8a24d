// The file system as Pebble sees it: one order is enforced that Pebble takes for
// granted, and errors of the WAL stop the log instead of the process.
package pebblelog

import (
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walDirName is the directory of the WAL, below that of the database. It is a
// directory of its own so that its operations can be told apart.
const walDirName = "wal"

// logFS wraps the file system of a log.
//
// Markers: a marker names the manifest that counts; Pebble makes both and then
// syncs the directory once. A file system that does not keep the order of
// directory entries could after a crash have the marker without the manifest,
// and the log would not open. So the directory is synced before a marker is
// made. Markers are rare: at Open and when a manifest is full.
//
// Directories: Pebble panics in the background when the sync of a directory
// fails as a marker is made. The log gives the database up instead.
//
// Tables: Pebble tries a failed flush again at once and for ever. On a full disk
// that would burn a core, so a table that cannot be made takes its time.
//
// WAL: Pebble panics when a WAL cannot be made or closed, at times with its
// locks in a state in which even the panic cannot unwind. So the first error of
// any WAL operation is not shown to Pebble. It stops the log, after which
// nothing is acknowledged (P3), and from then on the WAL is dead: operations
// succeed and do nothing. That is sound because only acknowledgements depend on
// the WAL, and it keeps the file on disk as it was when it failed: a new file
// after one with a torn end would make Pebble call the first one damaged.
type logFS struct {
	vfs.FS
	walDir string
	l      *Log
}

// retryPause is how long a table that cannot be made holds up the next try.
const retryPause = 50 * time.Millisecond

func (l *Log) wrapFS(fs vfs.FS) logFS {
	return logFS{
		FS:     fs,
		walDir: fs.PathJoin(l.cfg.Dir, walDirName),
		l:      l,
	}
}

func (fs logFS) failed() bool { return fs.l.failure() != nil }

func (fs logFS) fail(err error) { fs.l.fail(fmt.Errorf("write-ahead log: %w", err)) }

// Unwrap lets Pebble find the file system below.
func (fs logFS) Unwrap() vfs.FS { return fs.FS }

func (fs logFS) isWAL(name string) bool {
	return strings.HasSuffix(name, ".log") && fs.PathDir(name) == fs.walDir
}

func (fs logFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if fs.isWAL(name) {
		return fs.newWAL(func() (vfs.File, error) { return fs.FS.Create(name, category) })
	}
	if strings.HasPrefix(fs.PathBase(name), "marker.") {
		if err := syncDir(fs.FS, fs.PathDir(name)); err != nil {
			return nil, err
		}
	}
	f, err := fs.FS.Create(name, category)
	if err != nil && strings.HasSuffix(name, ".sst") {
		fs.pause()
	}
	return f, err
}

// pause holds up a goroutine of Pebble that will try again.
func (fs logFS) pause() {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-fs.l.fatal:
		park()
	}
}

func (fs logFS) ReuseForWrite(
	oldname, newname string, category vfs.DiskWriteCategory,
) (vfs.File, error) {
	if fs.isWAL(newname) {
		return fs.newWAL(func() (vfs.File, error) {
			return fs.FS.ReuseForWrite(oldname, newname, category)
		})
	}
	return fs.FS.ReuseForWrite(oldname, newname, category)
}

// newWAL makes a WAL file, or a dead one.
func (fs logFS) newWAL(create func() (vfs.File, error)) (vfs.File, error) {
	if !fs.failed() {
		f, err := create()
		if err == nil {
			return &walFile{File: f, fs: fs}, nil
		}
		fs.fail(err)
	}
	return &walFile{File: vfs.NewMemFile(nil), fs: fs}, nil
}

func (fs logFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	switch name {
	case fs.walDir:
		return &walFile{File: f, fs: fs}, nil
	case fs.l.cfg.Dir:
		return &dataDir{File: f, fs: fs}, nil
	default:
		return f, nil
	}
}

// dataDir is the directory of the database.
type dataDir struct {
	vfs.File
	fs logFS
}

// Sync returns only if the directory is synced. It is called by goroutines of
// Pebble, or by ours inside isolate.
func (d *dataDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.fs.l.giveUp(fmt.Errorf("%w: sync directory: %w", errGaveUp, err))
		park()
	}
	return nil
}

// walFile is a file of the WAL, or its directory.
type walFile struct {
	vfs.File
	fs logFS
}

// unlessDead does op while the log works; its first error kills the WAL.
func (f *walFile) unlessDead(op func() error) {
	if f.fs.failed() {
		return
	}
	if err := op(); err != nil {
		f.fs.fail(err)
	}
}

func (f *walFile) Write(b []byte) (int, error) {
	f.unlessDead(func() error {
		_, err := f.File.Write(b)
		return err
	})
	return len(b), nil
}

func (f *walFile) Sync() error {
	f.unlessDead(f.File.Sync)
	return nil
}

func (f *walFile) SyncData() error {
	f.unlessDead(f.File.SyncData)
	return nil
}

func (f *walFile) SyncTo(length int64) (fullSync bool, err error) {
	f.unlessDead(func() error {
		fullSync, err = f.File.SyncTo(length)
		return err
	})
	return fullSync, nil
}

func (f *walFile) Preallocate(offset, length int64) error {
	f.unlessDead(func() error { return f.File.Preallocate(offset, length) })
	return nil
}

func (f *walFile) Close() error {
	// A dead file is closed for real, its error does not matter any more.
	if f.fs.failed() {
		_ = f.File.Close()
		return nil
	}
	f.unlessDead(f.File.Close)
	return nil
}

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
