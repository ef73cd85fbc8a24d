// The far log: opened in the background, for brokers may be away when a collector
// starts.
package spool

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// openFar opens the far log, as often as it takes.
func (s *Spool) openFar() {
	pause := s.newPause()
	for attempt := 1; ; attempt++ {
		far, err := s.deps.OpenFar(s.life)
		if err == nil && far.Partitions() != s.cfg.Partitions {
			err = fmt.Errorf("far log has %d partitions, configuration says %d", far.Partitions(), s.cfg.Partitions)
			s.fail(errors.Join(err, far.Close()))
			return
		}
		if err == nil {
			s.far.Store(&far)
			s.note(nil)
			close(s.opened)
			return
		}
		if s.life.Err() != nil {
			return
		}
		s.note(fmt.Errorf("open far log: %w", err))
		if attempt == 1 {
			s.logger.Warn("far log cannot be opened, spooling", "error", err)
		}
		if !pause.wait(s.life) {
			return
		}
	}
}

// awaitFar waits until the far log is open; false if the spool closes before.
func (s *Spool) awaitFar() bool {
	select {
	case <-s.opened:
		return true
	case <-s.life.Done():
	case <-s.draining:
	}
	return false
}

// note keeps the last thing that the far log said: an error, or nil.
func (s *Spool) note(err error) {
	if err == nil {
		s.reason.Store(nil)
		return
	}
	s.reason.Store(&err)
}

// pause is the time between attempts: it doubles.
type pause struct{ next, least, most time.Duration }

func (s *Spool) newPause() *pause {
	return &pause{next: s.cfg.MinRetry, least: s.cfg.MinRetry, most: s.cfg.MaxRetry}
}

func (p *pause) reset() { p.next = p.least }

// wait returns false when ctx ends first.
func (p *pause) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(2*p.next, p.most)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
