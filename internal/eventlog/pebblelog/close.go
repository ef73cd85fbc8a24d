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
	l.waitStopped()
	l.wake()
	if l.closed.Swap(true) {
		return nil
	}
	l.telemetry.unregister()
	l.reclaimer.cancel()
	// Readers that hang in a database that gave up are left behind too.
	err := l.isolateBounded(func() error {
		l.gate.Lock()
		return nil
	})
	if err != nil {
		return errors.Join(err, l.failure())
	}
	defer l.gate.Unlock()
	if l.failure() == nil {
		err = l.isolateBounded(l.settle)
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
	select {
	case <-l.fatal:
		return nil
	default:
	}
	return l.isolateBounded(func() error {
		if err := l.db.Close(); err != nil {
			return fmt.Errorf("close database: %w", err)
		}
		return nil
	})
}

// waitStopped waits until the last commit has ended. Commits that hang in a
// database that gave up, or on a disk that does not answer, are left behind.
func (l *Log) waitStopped() {
	timer := time.NewTimer(l.cfg.CloseWait)
	defer timer.Stop()
	select {
	case <-l.stopped:
	case <-l.fatal:
	case <-timer.C:
		l.giveUp(fmt.Errorf("%w: commits did not end within %v", errGaveUp, l.cfg.CloseWait))
	}
}
