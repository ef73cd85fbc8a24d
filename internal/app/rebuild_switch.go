// The switch at the end of a rebuild: two directories cannot be renamed in one step, so
// a file says that they are to be, and whoever opens the data directory next ends it.
package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readyName is the file that says that what lies in the rebuild directory is whole.
const readyName = "READY"

func rebuildDir(dataDir string) string { return filepath.Join(dataDir, "rebuild") }

// declareReady is the commit of a rebuild.
func declareReady(dataDir string) error {
	dir := rebuildDir(dataDir)
	for _, d := range []string{filepath.Join(dir, "store"), filepath.Join(dir, "state"), dir} {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, readyName), nil, 0o600); err != nil {
		return err
	}
	return syncDir(dir)
}

// finishRebuild ends a rebuild that is ready, from wherever it was stopped, and deletes
// one that is not. Each step may be done already.
func finishRebuild(dataDir string) error {
	dir := rebuildDir(dataDir)
	if _, err := os.Stat(filepath.Join(dir, readyName)); errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(dir)
	} else if err != nil {
		return err
	}
	for _, name := range []string{"state", "store"} {
		if err := swapDir(filepath.Join(dir, name), filepath.Join(dataDir, name), filepath.Join(dir, "old-"+name)); err != nil {
			return fmt.Errorf("switch to rebuilt %s: %w", name, err)
		}
	}
	if err := errors.Join(syncDir(dataDir), syncDir(dir)); err != nil {
		return err
	}
	// READY goes first: half a directory without it is garbage.
	if err := os.Remove(filepath.Join(dir, readyName)); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// swapDir moves made to its place and what is there to old. If made is gone it was done.
func swapDir(made, place, old string) error {
	if _, err := os.Stat(made); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Rename(place, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(made, place)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
