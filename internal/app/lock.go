// Lock: one server to a data directory.
package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dirLock is an advisory lock on a file of the directory. The kernel lets it go
// when the process ends, however it ends.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock data directory %s: another tidemark serves it; "+
			"stop that one first, or use another --data-dir", dir), f.Close())
	}
	return &dirLock{f}, nil
}

// Close lets the directory go.
func (l *dirLock) Close() error { return l.file.Close() }
