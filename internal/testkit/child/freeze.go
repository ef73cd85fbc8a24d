// Freeze: a program that is there and does nothing, as in a virtual machine that is moved.
package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// freezeWithin is a bound for machines that are busy with other tests.
const freezeWithin = 30 * time.Second

// Freeze stops processes where they are, and returns when every thread of them has
// stopped: the signal alone says that they will, and until then they may answer. Connections
// stay and get no answer; new ones are taken by the kernel, and get none either.
// Processes that are gone are left out.
func Freeze(pids ...int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("freeze process %d: %w", pid, err)
		}
	}
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(freezeWithin); ; <-poll.C {
		run, err := running(pids)
		if err != nil || run == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d still runs %v after it was told to stop", run, freezeWithin)
		}
	}
}

// Thaw lets frozen processes go on.
func Thaw(pids ...int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("thaw process %d: %w", pid, err)
		}
	}
	return nil
}

// running returns a process of pids one of whose threads is not stopped, 0 if there is none. Where
// there is no /proc nothing is known, and the signal has to do.
func running(pids []int) (int, error) {
	for _, pid := range pids {
		threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "stat"))
		if err != nil {
			return 0, fmt.Errorf("list threads of process %d: %w", pid, err)
		}
		for _, file := range threads {
			if stat, err := os.ReadFile(file); err == nil && !isStopped(stat) {
				return pid, nil
			}
		}
	}
	return 0, nil
}

// isStopped reads the state of a thread: the letter behind the name, which is in parentheses and
// may have some itself. Stopped, traced, or dead.
func isStopped(stat []byte) bool {
	_, rest, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	return ok && len(rest) > 0 && bytes.IndexByte([]byte("TtZX"), rest[0]) >= 0
}
