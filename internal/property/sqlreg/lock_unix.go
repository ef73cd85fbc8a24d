// The lock that makes two processes upgrade the schema one after the other.

//go:build unix

package sqlreg

import (
	"errors"
	"os"
	"syscall"
)

// lock waits for the advisory lock on path. The kernel drops it when the
// process dies, so a file left behind holds nobody up.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}
