// The wall clock of the server's machine, as a test wants it.
package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// FakeClock is Options for a server whose wall clock the test sets with SetClock.
// Its monotonic clock goes on as it should.
func FakeClock() (Options, error) {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		return Options{}, errors.New("find libfaketime, which sets the server's clock: it is missing (on Debian: apt-get install libfaketime)")
	}
	return Options{clock: found[0]}, nil
}

// clockEnv is how libfaketime is told. The file is read for each question.
func (s *Server) clockEnv() []string {
	if s.opts.clock == "" {
		return nil
	}
	return []string{"LD_PRELOAD=" + s.opts.clock, "FAKETIME_TIMESTAMP_FILE=" + s.clockFile(), "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"}
}

func (s *Server) clockFile() string { return filepath.Join(s.Dir, "clock") }

// SetClock sets the server's wall clock ahead of the true one, or behind.
func (s *Server) SetClock(ahead time.Duration) error {
	// Renamed, since a process may be reading.
	next := s.clockFile() + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+d\n", int64(ahead.Seconds())), 0o644); err != nil {
		return fmt.Errorf("set clock of PostgreSQL: %w", err)
	}
	if err := os.Rename(next, s.clockFile()); err != nil {
		return fmt.Errorf("set clock of PostgreSQL: %w", err)
	}
	return nil
}
