// Package cached keeps what tests fetch or build once in the user's cache: a folder by name and
// version, that is there whole or not at all.
//
// Concurrency: tests of several packages may come at once; one fills, the others wait.
package cached

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Folder returns the folder of a name, which should hold the version. If it is not there, fill makes it: in a scratch
// folder, of which it returns the part that shall be kept.
func Folder(name string, fill func(work string) (made string, err error)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache: %w", err)
	}
	dir := filepath.Join(cache, "tidemark", name)
	if err := fillOnce(dir, fill); err != nil {
		return "", fmt.Errorf("fill %s: %w", dir, err)
	}
	return dir, nil
}

func fillOnce(dir string, fill func(work string) (string, error)) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fill")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	made, err := fill(work)
	if err != nil {
		return err
	}
	return os.Rename(made, dir)
}
