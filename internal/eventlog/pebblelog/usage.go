// Disk usage: when the log must say that it is full.
package pebblelog

import (
	"fmt"
	"sync/atomic"

	"tidemark/internal/eventlog"
)

// Bounds of the step after which the disk is asked again: an eighth of the room
// that is left, so that the estimate is exact where it matters.
const (
	maxUsageStep = 16 << 20
	minUsageStep = 64 << 10
)

// essentialReserve is the free disk space below which essential batches are
// refused too, or a quarter of min_free_bytes if that is less: a disk that is
// really full fails the WAL, and the log with it.
const essentialReserve = 64 << 20

// usage estimates how much disk the log takes: what was measured last, plus
// what was let in since.
type usage struct {
	l *Log

	pending  atomic.Int64 // bytes let in whose Append has not returned
	since    atomic.Int64 // bytes appended since the last measurement
	measured atomic.Int64
	free     atomic.Int64 // -1: unknown

	measuring atomic.Bool // one measurement at a time
}

// add notes bytes that were appended.
func (u *usage) add(bytes int64) { u.since.Add(bytes) }

// admit lets size bytes in, until leave, or returns ErrFull if there is no room
// for them. It does not wait for a measurement: a database that hangs must not
// hold the callers too.
func (u *usage) admit(size int64, essential bool) error {
	more := u.since.Load() + u.pending.Add(size)
	err := u.over(more, essential)
	// Fast path: far from every bound by the last measurement.
	if err == nil && more < u.step() {
		return nil
	}
	// Slow path: have it measured for those who come later.
	u.refresh()
	if err != nil {
		u.leave(size)
	}
	return err
}

// leave takes back what admit let in: by now it was added, or it is not there.
func (u *usage) leave(size int64) { u.pending.Add(-size) }

// over returns ErrFull if more bytes than were measured are too many.
func (u *usage) over(more int64, essential bool) error {
	cfg := &u.l.cfg
	if used := u.measured.Load(); cfg.MaxBytes > 0 && !essential && used+more > cfg.MaxBytes {
		return fmt.Errorf("log takes %d of %d bytes: %w", used, cfg.MaxBytes, eventlog.ErrFull)
	}
	least := cfg.MinFreeBytes
	if essential {
		least = min(least/4, essentialReserve)
	}
	if free := u.free.Load(); least > 0 && free >= 0 && free-more < least {
		return fmt.Errorf("disk has %d bytes free, %d must stay free: %w", free, least, eventlog.ErrFull)
	}
	return nil
}

// step returns how many bytes may pass before the disk is asked again.
func (u *usage) step() int64 {
	cfg := &u.l.cfg
	room := int64(8 * maxUsageStep)
	if cfg.MaxBytes > 0 {
		room = min(room, cfg.MaxBytes-u.measured.Load())
	}
	if free := u.free.Load(); cfg.MinFreeBytes > 0 && free >= 0 {
		room = min(room, free-cfg.MinFreeBytes)
	}
	return max(room/8, minUsageStep)
}

// nearlyFull: space is worth some work.
func (u *usage) nearlyFull() bool {
	cfg := &u.l.cfg
	since := u.since.Load()
	if cfg.MaxBytes > 0 && u.measured.Load()+since > cfg.MaxBytes/4*3 {
		return true
	}
	free := u.free.Load()
	return cfg.MinFreeBytes > 0 && free >= 0 && (free-since)/2 < cfg.MinFreeBytes
}

// refresh has the disk asked, unless that is under way.
func (u *usage) refresh() {
	if u.measuring.CompareAndSwap(false, true) {
		go u.measure()
	}
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
	u.measured.Store(u.l.diskSpace())
	free := int64(-1)
	if du, err := u.l.fs.GetDiskUsage(u.l.cfg.Dir); err == nil {
		free = int64(min(du.AvailBytes, 1<<62))
	}
	u.free.Store(free)
}

// diskSpace returns what the files of the database take. Pebble counts the WAL
// that is being written with the size it had when it was opened, mostly 0; what
// is in it is added. Files of former WALs are kept for the next ones, at most
// four, each as large as the largest commit or a bit larger than a table. They
// are counted up to an eighth of the bound only: no truncation gets rid of them.
func (l *Log) diskSpace() int64 {
	m := l.db.Metrics()
	space := m.DiskSpaceUsage()
	if most := uint64(l.cfg.MaxBytes / 8); l.cfg.MaxBytes > 0 && m.WAL.ObsoletePhysicalSize > most {
		space -= m.WAL.ObsoletePhysicalSize - most
	}
	if m.WAL.Size > m.WAL.PhysicalSize {
		space += m.WAL.Size - m.WAL.PhysicalSize
	}
	return int64(space)
}

// Usage returns how many bytes of disk the log takes, by an estimate that is
// right near the bound, and how many it may take at most; 0 means no bound. It
// has the disk asked again but does not wait for the answer, so whoever waits
// for space to be freed asks repeatedly.
func (l *Log) Usage() (used, bound int64) {
	l.usage.refresh()
	return l.usage.measured.Load() + l.usage.since.Load() + l.usage.pending.Load(), l.cfg.MaxBytes
}
