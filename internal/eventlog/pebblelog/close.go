// Close, and how the log gets away from a database that does not answer.
package pebblelog

import (
	"errors"
	"fmt"
	"time"
)

// Close lets queued appends finish, then releases everything. After a failure
// it only releases. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closing = true
	l.releaseRoomLocked()
	l.mu.Unlock()
	select {
	case l.work <- struct{}{}:
	default:
	}
	if !waitClosed(l.stopped, l.cfg.CloseWait) {
		l.fail(fmt.Errorf("close: commits did not end within %v", l.cfg.CloseWait))
		l.fatal.Store(true)
	}
	l.wake()
	l.gate.Lock()
	defer l.gate.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.telemetry.unregister()
	var err error
	if l.failure() == nil {
		err = l.isolate(l.settle)
	}
	return errors.Join(err, l.abandonDB(), l.failure())
}

// settle moves everything out of the WAL, so that a log that was closed does
// not depend on it and opens fast, and writes down where the partitions end.
func (l *Log) settle() error {
	if err := l.db.Flush(); err != nil {
		return fmt.Errorf("flush event log: %w", err)
	}
	if err := l.writeHighWater(); err != nil {
		return fmt.Errorf("write high water: %w", err)
	}
	return nil
}

// abandonDB closes the database, unless it gave up by itself: then its locks
// may be held for ever, and closing it would hang. The process is about to end.
func (l *Log) abandonDB() error {
	if l.fatal.Load() {
		return nil
	}
	return l.isolate(func() error {
		if err := l.db.Close(); err != nil {
			return fmt.Errorf("close database: %w", err)
		}
		return nil
	})
}

// waitClosed reports whether ch was closed within d.
func waitClosed(ch <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return false
	}
}
