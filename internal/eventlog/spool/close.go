// Close: the spool ends in good order, and what is left waits on the disk.
package spool

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/eventlog"
)

// Close takes no appends any more, goes on forwarding for CloseWait, and closes
// both logs. What is not forwarded waits in the near log for the next start. A
// second Close does nothing.
func (s *Spool) Close() error {
	var err error
	s.once.Do(func() { err = s.close() })
	return err
}

func (s *Spool) close() error {
	s.closed.Store(true)
	s.gate.Lock()
	//lint:ignore SA2001 the empty section is the point: it waits for appends under way, which end in time.
	s.gate.Unlock()
	close(s.draining)
	s.drain()
	s.stop()
	s.running.Wait()
	s.opening.Wait()
	s.telemetry.unregister()
	if n := s.State().Frames; n > 0 {
		s.logger.Warn("appends wait in the spool for the next start", "appends", n)
	}
	return errors.Join(s.closeFar(), s.near.Close(), s.Err())
}

// drain lets forwarders finish, for a bounded time.
func (s *Spool) drain() {
	drained := make(chan struct{})
	go func() {
		s.running.Wait()
		close(drained)
	}()
	timer := time.NewTimer(s.cfg.CloseWait)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		s.stop()
		<-drained
	}
}

func (s *Spool) closeFar() error {
	far := s.far.Load()
	if far == nil {
		return nil
	}
	err := (*far).Close()
	if errors.Is(err, eventlog.ErrUnknown) {
		// What had no answer is in the near log, or its caller was told.
		s.logger.Warn("far log closed with appends under way", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("close far log: %w", err)
	}
	return nil
}
