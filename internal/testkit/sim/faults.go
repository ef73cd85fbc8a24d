// Faults: what goes wrong between two starts of a machine, and when.
package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/store"
)

// reusing makes ReuseForWrite of other operations: that of MemFS takes the lock against CrashClone
// twice, which hangs if a CrashClone comes in between, and that of errorfs gives files whose operations
// it does not see.
type reusing struct{ vfs.FS }

// ReuseForWrite implements vfs.FS.
func (fs reusing) ReuseForWrite(old, name string, why vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.Rename(old, name); err != nil {
		return nil, err
	}
	return fs.OpenReadWrite(name, why)
}

// life is the time between two starts. Counts say after how many writes, or appends, a
// fault comes; 0 is never.
type life struct {
	mem *vfs.MemFS // of log and state
	dir string     // of segments, if they are files
	rng *rand.Rand

	mu       sync.Mutex
	cutIn    int
	failIn   int
	refuseIn int
	// kept is what the disk holds after the power was cut; keptDir its segments.
	kept      *vfs.MemFS
	keptDir   string
	hasFailed bool
	gate      chan struct{} // the store stands still until it is closed
}

// arm decides what may go wrong in the next step.
func (l *life) arm(rng *rand.Rand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutIn, l.failIn, l.refuseIn = 0, 0, 0
	switch rng.IntN(20) {
	case 0, 1:
		l.cutIn = 1 + rng.IntN([]int{3, 8, 30}[rng.IntN(3)]) // a commit has few writes, a start many
	case 2:
		l.failIn = 1 + rng.IntN(8)
	case 3:
		l.refuseIn = 1
	}
}

// armed tells whether a fault was to come in this step, also if it has.
func (l *life) armed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cutIn+l.failIn+l.refuseIn > 0 || l.kept != nil || l.hasFailed
}

func (l *life) disarm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutIn, l.failIn, l.refuseIn = 0, 0, 0
}

// dead tells whether power was cut: whatever happens now never happened.
func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept != nil
}

// failed tells whether the process has a reason to end.
func (l *life) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hasFailed
}

// operation is asked before every operation on the file system.
func (l *life) operation(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	l.countdown()
	l.mu.Lock()
	defer l.mu.Unlock()
	// The state engine ends the process at a failed write, which is a power cut to us.
	if l.failIn == 0 || l.kept != nil || !strings.Contains(op.Path, "data/log") {
		return nil
	}
	if l.failIn--; l.failIn > 0 {
		return nil
	}
	l.hasFailed = true
	return errorfs.ErrInjected
}

// countdown counts writes, and steps of commits, until power is cut.
func (l *life) countdown() {
	l.mu.Lock()
	due := l.cutIn == 1
	if l.cutIn > 0 {
		l.cutIn--
	}
	l.mu.Unlock()
	if due {
		l.cut()
	}
}

// cut keeps what a disk holds when power is cut now: what was synced, and some of the rest.
func (l *life) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept != nil {
		return
	}
	percent := []int{0, 0, 50, 100}[l.rng.IntN(4)]
	l.kept = l.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: l.rng})
	if filepath.IsAbs(l.dir) {
		l.keptDir = l.dir + "+"
		copyFiles(filepath.Join(l.dir, "segments"), filepath.Join(l.keptDir, "segments"))
	}
}

// copyFiles copies a flat directory that others write to. What goes while it is copied
// is gone; what matters is found missing by whoever needs it.
func copyFiles(from, to string) {
	_ = os.MkdirAll(to, 0o700)
	entries, _ := os.ReadDir(from)
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(from, e.Name())); err == nil {
			_ = os.WriteFile(filepath.Join(to, e.Name()), b, 0o600)
		}
	}
}

// stalls makes the store stand still, sometimes; the function returned lets it go on.
func (l *life) stalls(rng *rand.Rand) (release func()) {
	if rng.IntN(8) > 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.gate = gate
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gate = nil
		close(gate)
	}
}

var errRefused = errors.New("the store refuses rows")

// faultyStore stands still or refuses rows when it is told to.
type faultyStore struct {
	store.Store
	*life
}

// Append implements store.Store.
func (s faultyStore) Append(ctx context.Context, b *store.Batch) error {
	s.mu.Lock()
	gate, refuse := s.gate, s.refuseIn == 1
	if s.refuseIn > 0 {
		s.refuseIn--
	}
	s.hasFailed = s.hasFailed || refuse
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if refuse {
		return errRefused
	}
	return s.Store.Append(ctx, b)
}
