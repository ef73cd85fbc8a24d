// Disk usage: when the log must say that it is full.
package pebblelog

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/eventlog"
)

// usageStep is how many appended bytes may pass before the disk is asked again.
const usageStep = 16 << 20

// usage estimates how much disk the log takes: what was measured last, plus
// what was appended since.
type usage struct {
	cfg Config
	fs  vfs.FS
	db  *pebble.DB

	since    atomic.Int64 // bytes appended since the last measurement
	measured atomic.Int64
	free     atomic.Int64 // -1: unknown

	mu sync.Mutex // one measurement at a time
}

func newUsage(cfg Config, fs vfs.FS, db *pebble.DB) *usage {
	u := &usage{cfg: cfg, fs: fs, db: db}
	u.measure()
	return u
}

// add notes bytes that were appended.
func (u *usage) add(bytes int64) { u.since.Add(bytes) }

// check returns ErrFull if there is no room for size more bytes.
func (u *usage) check(size int64) error {
	// Fast path: far from every bound by the last measurement.
	if u.since.Load() < usageStep && u.over(size) == nil {
		return nil
	}
	// Slow path: measure, unless another caller is doing so.
	if u.mu.TryLock() {
		u.measure()
		u.mu.Unlock()
	}
	return u.over(size)
}

func (u *usage) over(size int64) error {
	more := u.since.Load() + size
	if used := u.measured.Load(); u.cfg.MaxBytes > 0 && used+more > u.cfg.MaxBytes {
		return fmt.Errorf("log takes %d of %d bytes: %w", used, u.cfg.MaxBytes, eventlog.ErrFull)
	}
	if free := u.free.Load(); u.cfg.MinFreeBytes > 0 && free >= 0 && free-more < u.cfg.MinFreeBytes {
		return fmt.Errorf("disk has %d bytes free, %d must stay free: %w",
			free, u.cfg.MinFreeBytes, eventlog.ErrFull)
	}
	return nil
}

func (u *usage) measure() {
	u.since.Store(0)
	u.measured.Store(int64(u.db.Metrics().DiskSpaceUsage()))
	free := int64(-1)
	if du, err := u.fs.GetDiskUsage(u.cfg.Dir); err == nil {
		free = int64(min(du.AvailBytes, 1<<62))
	}
	u.free.Store(free)
}
