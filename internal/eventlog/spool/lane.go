// lane: where the appends of one partition go, and how that changes.
package spool

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// mode of a lane. far -> near when an append there fails (turnNear); near ->
// handover -> far by its forwarder; handover -> near if that takes too long or fails.
type mode int

const (
	modeNear     mode = iota // appends go to the near log, the forwarder runs
	modeHandover             // appends wait, the forwarder forwards the last frames
	modeFar                  // appends go to the far log, there is no forwarder
)

// lane is one partition.
type lane struct {
	s         *Spool
	partition event.Partition
	work      chan struct{} // capacity 1: there may be frames

	mu      sync.Mutex
	mode    mode
	writers int           // appends that have entered for the near log
	changed chan struct{} // closed when mode or writers change; nil if nobody waits
	holds   bool          // frames are in the near log
	oldest  event.Time    // of the frames, if it holds any: a lower bound

	// Of the forwarder.
	next  event.Offset // where the near log begins, as far as truncating it went well
	taken event.Offset // first frame that is not in the far log, at or after next
	limit int          // frames for one append; less after ErrInvalid
	again bool         // what is at next may be in the far log
}

// newLane looks what the near log has from before.
func (s *Spool) newLane(p event.Partition) (*lane, error) {
	ln := &lane{s: s, partition: p, work: make(chan struct{}, 1), next: s.near.Start(p), limit: maxFrames}
	ln.taken = ln.next
	if ln.next == s.near.End(p) {
		return ln, nil
	}
	entries, err := s.near.Read(s.life, p, ln.next, 1, nil)
	if err != nil {
		return nil, fmt.Errorf("read near log partition %d at %d: %w", p, ln.next, err)
	}
	f, err := parseFrame(entries[0].Payload)
	if err != nil {
		return nil, fmt.Errorf("read near log partition %d at %d: %w", p, ln.next, err)
	}
	// The process may have ended after the far log had it.
	ln.holds, ln.oldest, ln.again = true, f.oldest, true
	return ln, nil
}

// enter decides where an append goes. If toNear, the caller must leave. It waits
// while a handover is under way, for a bounded time. With near, the far log is no
// choice any more.
func (ln *lane) enter(ctx context.Context, near bool) (toNear bool, err error) {
	var timer *time.Timer
	for {
		ln.mu.Lock()
		if ln.mode == modeFar && near {
			ln.turnNear()
		}
		// Fast path: no handover is under way.
		switch ln.mode {
		case modeFar:
			ln.mu.Unlock()
			return false, nil
		case modeNear:
			ln.writers++
			ln.mu.Unlock()
			return true, nil
		}
		changed := ln.waitLocked()
		ln.mu.Unlock()
		// Slow path: the forwarder is about to turn the lane.
		if timer == nil {
			timer = time.NewTimer(ln.s.cfg.MaxHandoverWait)
			defer timer.Stop()
		}
		select {
		case <-changed:
		case <-timer.C:
			ln.endHandover(modeNear)
			timer.Reset(ln.s.cfg.MaxHandoverWait) // Another may begin at once.
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// leave ends what enter began; wrote tells whether a frame is durable, with
// records from oldest on.
func (ln *lane) leave(wrote bool, oldest event.Time) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.writers--
	if wrote && (!ln.holds || oldest < ln.oldest) {
		ln.holds, ln.oldest = true, oldest
	}
	ln.changeLocked()
	select {
	case ln.work <- struct{}{}:
	default:
	}
}

// turnNear sends appends to the near log from now on. The caller holds mu, and is
// inside an append, so the spool is not closing yet.
func (ln *lane) turnNear() {
	ln.mode, ln.again = modeNear, false
	ln.changeLocked()
	ln.s.running.Go(ln.forward)
}

// turnAllNear sends the appends of all partitions to the near log: what one sender
// had to wait for the others need not find out for themselves. Lanes whose part of
// the far log works are back after their next append.
func (s *Spool) turnAllNear() {
	for _, ln := range s.lanes {
		ln.mu.Lock()
		if ln.mode == modeFar {
			ln.turnNear()
		}
		ln.mu.Unlock()
	}
}

// beginHandover holds back new appends and waits until those that have entered
// are in the near log. False: an append would not wait so long, or ctx is done.
func (ln *lane) beginHandover(ctx context.Context) bool {
	ln.mu.Lock()
	ln.mode = modeHandover
	ln.mu.Unlock()
	for {
		ln.mu.Lock()
		if ln.mode != modeHandover || ln.writers == 0 || ln.s.plant == plantNoWaiting {
			defer ln.mu.Unlock()
			return ln.mode == modeHandover
		}
		changed := ln.waitLocked()
		ln.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// endHandover turns a lane that is in handover, and tells whether it was.
func (ln *lane) endHandover(to mode) bool {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.mode != modeHandover {
		return false
	}
	ln.mode = to
	if to == modeFar {
		ln.holds = false
	}
	ln.changeLocked()
	return true
}

// waitLocked returns a channel that is closed at the next change.
func (ln *lane) waitLocked() <-chan struct{} {
	if ln.changed == nil {
		ln.changed = make(chan struct{})
	}
	return ln.changed
}

func (ln *lane) changeLocked() {
	if ln.changed != nil {
		close(ln.changed)
		ln.changed = nil
	}
}

// reached notes that the forwarder's next frame has records from oldest on.
func (ln *lane) reached(oldest event.Time) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.holds, ln.oldest = true, oldest
}

// emptied notes that no frame is left, unless one came meanwhile.
func (ln *lane) emptied() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	// A frame is in the near log before its writer leaves: who sees neither sees none.
	if ln.writers == 0 && ln.s.near.End(ln.partition) == ln.next {
		ln.holds = false
	}
}

// age returns how old the oldest frame is.
func (ln *lane) age(now event.Time) (time.Duration, bool) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return now.Sub(ln.oldest), ln.holds
}

// tooOld returns ErrFull if the oldest frame has waited for too long (SP5).
func (ln *lane) tooOld(now event.Time) error {
	if age, ok := ln.age(now); ok && age > ln.s.cfg.MaxAge {
		return fmt.Errorf("spool of partition %d holds records of %v ago, at most %v: %w",
			ln.partition, age.Round(time.Second), ln.s.cfg.MaxAge, eventlog.ErrFull)
	}
	return nil
}
