// Disk usage: when the log must say that it is full.
package pebblelog

import (
	"fmt"
	"sync/atomic"

	"tidemark/internal/eventlog"
)

// usageStep is how many appended bytes may pass before the disk is asked again.
const usageStep = 16 << 20

// usage estimates how much disk the log takes: what was measured last, plus
// what was appended since.
type usage struct {
	l *Log

	since    atomic.Int64 // bytes appended since the last measurement
	measured atomic.Int64
	free     atomic.Int64 // -1: unknown

	measuring atomic.Bool // one measurement at a time
}

// add notes bytes that were appended.
func (u *usage) add(bytes int64) { u.since.Add(bytes) }

// check returns ErrFull if there is no room for size more bytes. It does not
// wait for a measurement: a database that hangs must not hold the callers too.
func (u *usage) check(size int64) error {
	// Fast path: far from every bound by the last measurement.
	if u.since.Load() < usageStep && u.over(size) == nil {
		return nil
	}
	// Slow path: have it measured for those who come later.
	if u.measuring.CompareAndSwap(false, true) {
		go u.measure()
	}
	return u.over(size)
}

func (u *usage) over(size int64) error {
	more := u.since.Load() + size
	if used := u.measured.Load(); u.l.cfg.MaxBytes > 0 && used+more > u.l.cfg.MaxBytes {
		return fmt.Errorf("log takes %d of %d bytes: %w", used, u.l.cfg.MaxBytes, eventlog.ErrFull)
	}
	if free := u.free.Load(); u.l.cfg.MinFreeBytes > 0 && free >= 0 && free-more < u.l.cfg.MinFreeBytes {
		return fmt.Errorf("disk has %d bytes free, %d must stay free: %w",
			free, u.l.cfg.MinFreeBytes, eventlog.ErrFull)
	}
	return nil
}

// measure asks the database and the disk. The caller has set measuring.
func (u *usage) measure() {
	defer u.measuring.Store(false)
	release, err := u.l.enter()
	if err != nil {
		return
	}
	defer release()
	u.since.Store(0)
	u.measured.Store(int64(u.l.db.Metrics().DiskSpaceUsage()))
	free := int64(-1)
	if du, err := u.l.fs.GetDiskUsage(u.l.cfg.Dir); err == nil {
		free = int64(min(du.AvailBytes, 1<<62))
	}
	u.free.Store(free)
}
