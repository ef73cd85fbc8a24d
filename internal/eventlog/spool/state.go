// What the spool says of itself: how far behind it is, and why.
package spool

import (
	"fmt"

	"tidemark/internal/event"
)

// Oldest returns a time that is not after the IngestTime of any record that is not
// in the far log yet (SP6); false if all are.
func (s *Spool) Oldest() (event.Time, bool) {
	// First what is on its way: it may become a frame meanwhile, and not the other way.
	oldest, some := s.underWay.oldest()
	if t, ok := s.oldestFrame(); ok && (!some || t < oldest) {
		oldest, some = t, true
	}
	return oldest, some
}

func (s *Spool) oldestFrame() (oldest event.Time, some bool) {
	for _, ln := range s.lanes {
		ln.mu.Lock()
		if ln.holds && (!some || ln.oldest < oldest) {
			oldest, some = ln.oldest, true
		}
		ln.mu.Unlock()
	}
	return oldest, some
}

// Usage returns how many bytes of disk the near log takes, and how many it may; 0
// means no bound.
func (s *Spool) Usage() (used, bound int64) {
	if u, ok := s.near.(interface{ Usage() (used, bound int64) }); ok {
		return u.Usage()
	}
	return 0, 0
}

// State is where appends go, and what waits.
type State struct {
	// FarOpen: the far log was opened.
	FarOpen bool
	// Near is how many partitions' appends go to the near log.
	Near int
	// Frames is how many appends wait in the near log.
	Frames uint64
	// Oldest is not after the IngestTime of any of them, if HasOldest.
	Oldest    event.Time
	HasOldest bool
	// Reason is why the far log did not take something last, nil if it works.
	Reason error
}

// State returns what holds now.
func (s *Spool) State() State {
	st := State{FarOpen: s.far.Load() != nil}
	for _, ln := range s.lanes {
		ln.mu.Lock()
		if ln.mode != modeFar {
			st.Near++
		}
		ln.mu.Unlock()
		st.Frames += uint64(s.near.End(ln.partition) - s.near.Start(ln.partition))
	}
	st.Oldest, st.HasOldest = s.oldestFrame()
	if p := s.reason.Load(); p != nil {
		st.Reason = *p
	}
	return st
}

// Degraded says in a line what is not as it should be, empty if nothing is. A
// collector that spools is degraded, not down: it takes events.
func (s *Spool) Degraded() string {
	if err := s.Err(); err != nil {
		return fmt.Sprintf("spool stopped forwarding: %v", err)
	}
	st := s.State()
	if st.FarOpen && st.Frames == 0 && st.Reason == nil {
		return ""
	}
	line := fmt.Sprintf("spooling: %d of %d partitions, %d appends wait", st.Near, len(s.lanes), st.Frames)
	if st.HasOldest {
		line += fmt.Sprintf(", the oldest of %v", st.Oldest)
	}
	if st.Reason != nil {
		line += fmt.Sprintf("; far log: %v", st.Reason)
	}
	return line
}

// backToFar notes that the far log works again.
func (s *Spool) backToFar() {
	if s.reason.Swap(nil) != nil {
		s.logger.Info("far log takes appends again")
	}
}
