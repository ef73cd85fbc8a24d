// What happens when Pebble gives up: it panics, or it calls Fatalf and expects
// the process to end. The log stops instead, so that reports stay readable.
package pebblelog

import (
	"errors"
	"fmt"
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

// Fatalf must not return: Pebble goes on as if the write had worked. It parks
// the goroutine instead of ending the process, with whatever locks are held.
// Only goroutines of Pebble and those inside isolate or commitLoop get here.
func (p pebbleLogger) Fatalf(format string, args ...any) {
	p.l.giveUp(fmt.Errorf("%w: %s", errGaveUp, fmt.Sprintf(format, args...)))
	park()
}

// park holds the goroutine for ever. It is for goroutines of a database that
// was given up: nobody waits for their work, and unwinding them would run
// Pebble's deferred code in states it does not expect.
func park() { select {} }

// isolate runs f in a goroutine of its own, so that a panic or a Fatalf inside
// the database holds up that goroutine only. It waits without bound while the log
// works, for opening may replay much; after a failure at most CloseWait.
func (l *Log) isolate(f func() error) error {
	done := l.launch(f)
	select {
	case err := <-done:
		return err
	case <-l.failed:
		return l.await(done)
	}
}

// isolateBounded is isolate for work that must not take longer than CloseWait.
func (l *Log) isolateBounded(f func() error) error { return l.await(l.launch(f)) }

// isolateReading is isolate for work that only reads. A database that gave up can hold a lock for ever that reading needs, to
// begin or to close an iterator: then f is left behind, with whatever it was to fill.
func (l *Log) isolateReading(f func() error) error {
	done := l.launch(f)
	select {
	case err := <-done:
		return err
	case <-l.fatal:
	}
	timer := time.NewTimer(l.cfg.CloseWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: no answer for %v", errGaveUp, l.cfg.CloseWait)
	}
}

// launch starts f; its outcome comes on the channel, unless it hangs.
func (l *Log) launch(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := errGaveUp
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("%w: %v", errGaveUp, cause)
				l.giveUp(err)
			}
			done <- err
		}()
		err = f()
	}()
	return done
}

// await waits CloseWait for done, then gives the database up.
func (l *Log) await(done <-chan error) error {
	timer := time.NewTimer(l.cfg.CloseWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-l.fatal:
		return errGaveUp
	case <-timer.C:
		err := fmt.Errorf("%w: no answer for %v", errGaveUp, l.cfg.CloseWait)
		l.giveUp(err)
		return err
	}
}

// listener turns Pebble's events into log lines. Without it Pebble would call
// Fatalf when a reader meets a damaged block; the reader gets ErrCorrupt.
func (l *Log) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			// Pebble tries again at once and for ever; say it now and then.
			now := time.Now().UnixNano()
			last := l.lastWarning.Load()
			if now-last > int64(10*time.Second) && l.lastWarning.CompareAndSwap(last, now) {
				l.logger.Warn("event log background work failed, it is tried again", "error", err)
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.logger.Error("event log file is damaged", "path", info.Path, "error", info.Details)
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			l.logger.Warn("event log disk is slow", "path", info.Path, "duration", info.Duration)
		},
	}
}
