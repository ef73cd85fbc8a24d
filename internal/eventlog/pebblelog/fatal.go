// What happens when Pebble gives up: it panics, or it calls Fatalf and expects
// the process to end. The log stops instead, so that reports stay readable.
package pebblelog

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

var errGaveUp = errors.New("database gave up")

// pebbleLogger passes on what an operator must know.
type pebbleLogger struct{ l *Log }

func (p pebbleLogger) Infof(format string, args ...any) {}

func (p pebbleLogger) Errorf(format string, args ...any) {
	p.l.logger.Warn("event log database reports an error", "error", fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble goes on as if the write had worked. It ends
// the goroutine instead of the process. Only goroutines of Pebble and those
// that run inside isolate or commitLoop get here.
func (p pebbleLogger) Fatalf(format string, args ...any) {
	p.l.fatal.Store(true)
	p.l.fail(fmt.Errorf("%w: %s", errGaveUp, fmt.Sprintf(format, args...)))
	runtime.Goexit()
}

// isolate runs f in a goroutine of its own, so that a panic or a Fatalf inside
// the database ends that goroutine only, and so that a database that hangs
// holds the caller no longer than CloseWait.
func (l *Log) isolate(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errGaveUp
		defer func() {
			if cause := recover(); cause != nil {
				l.fatal.Store(true)
				err = fmt.Errorf("%w: %v", errGaveUp, cause)
				l.fail(err)
			}
			done <- err
		}()
		err = f()
	}()
	// Opening replays the WAL and may take long; only a database that has
	// failed is not waited for.
	select {
	case err := <-done:
		return err
	case <-l.failed:
	}
	timer := time.NewTimer(l.cfg.CloseWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		l.fatal.Store(true)
		return fmt.Errorf("%w: no answer for %v", errGaveUp, l.cfg.CloseWait)
	}
}

// listener turns Pebble's events into log lines. Without it Pebble would call
// Fatalf when a reader meets a damaged block; the reader gets ErrCorrupt.
func (l *Log) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			l.logger.Warn("event log background work failed, it is tried again", "error", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.logger.Error("event log file is damaged", "path", info.Path, "error", info.Details)
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			l.logger.Warn("event log disk is slow", "path", info.Path, "duration", info.Duration)
		},
	}
}
