// Forwarding: frames of one lane go to the far log in order, and leave the near
// log after that (SP2).
package spool

import (
	"context"
	"errors"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// Bounds of one far append, beside ForwardBytes.
const (
	maxFrames = 1024
	// maxLoose is how many different counts without records ride together: the far log
	// may have a bound that only it knows.
	maxLoose = 256
)

// begin waits for the far log and forwards what the near log has from before. A
// far log that was just opened works: no append need prove it.
func (ln *lane) begin() {
	if !ln.s.awaitFar() || ln.turnIfEmpty() {
		return
	}
	ln.forward()
}

// forward runs until the lane goes to the far log again, or the spool closes.
func (ln *lane) forward() {
	s := ln.s
	far := *s.far.Load()
	proven := false // the far log has taken something since the lane turned
	for pause := s.newPause(); s.life.Err() == nil && s.Err() == nil; {
		if proven && ln.caughtUp() {
			if ln.handover(far) {
				return
			}
		}
		if ln.next == s.near.End(ln.partition) {
			if !ln.awaitWork() {
				return
			}
			continue
		}
		if err := ln.step(far); err != nil {
			ln.complain(err)
			proven = false
			if !pause.wait(s.life) {
				return
			}
			continue
		}
		proven = true
		pause.reset()
	}
}

// complain says that forwarding failed, once for each time of failing.
func (ln *lane) complain(err error) {
	s := ln.s
	if s.life.Err() != nil {
		return // The spool closes: that is why.
	}
	if errors.Is(err, errNear) {
		s.fail(err)
		return
	}
	if s.reason.Load() == nil {
		s.logger.Warn("far log does not take what is forwarded, spooling", "partition", ln.partition, "error", err)
	}
	s.note(err)
}

// turnIfEmpty turns a lane that has nothing to forward.
func (ln *lane) turnIfEmpty() bool {
	if !ln.caughtUp() || !ln.beginHandover(ln.s.life) {
		return false
	}
	if !ln.caughtUp() {
		ln.endHandover(modeNear)
		return false
	}
	return ln.endHandover(modeFar)
}

// caughtUp: no frame is left, as it looks.
func (ln *lane) caughtUp() bool { return ln.next == ln.s.near.End(ln.partition) }

// awaitWork waits until there may be a frame. False: none will come.
func (ln *lane) awaitWork() bool {
	select {
	case <-ln.work:
		return true
	default:
	}
	select {
	case <-ln.work:
		return true
	case <-ln.s.life.Done():
		return false
	case <-ln.s.draining:
		return ln.next != ln.s.near.End(ln.partition)
	}
}

// handover forwards the last frames while appends wait, and turns the lane. False:
// it took too long, or failed.
func (ln *lane) handover(far eventlog.Log) bool {
	if !ln.beginHandover(ln.s.life) {
		return false
	}
	for !ln.caughtUp() && ln.s.plant != plantOvertake {
		if err := ln.step(far); err != nil {
			ln.complain(err)
			ln.endHandover(modeNear)
			return false
		}
	}
	// Whoever ended the handover meanwhile has a frame on its way.
	if !ln.endHandover(modeFar) {
		return false
	}
	ln.s.backToFar()
	return true
}

// step forwards the next frames and moves behind them.
func (ln *lane) step(far eventlog.Log) error {
	if ln.taken == ln.next {
		if err := ln.forwardNext(far); err != nil {
			return err
		}
	}
	return ln.move()
}

// forwardNext has the far log take the next frames, one at least.
func (ln *lane) forwardNext(far eventlog.Log) error {
	s := ln.s
	for ln.taken == ln.next {
		entries, err := s.near.Read(s.life, ln.partition, ln.next, s.cfg.ForwardBytes, nil)
		if err != nil {
			return fmt.Errorf("read near log partition %d at %d: %w: %w", ln.partition, ln.next, errNear, err)
		}
		batch, n, err := ln.merge(entries[:min(len(entries), ln.limit)])
		if err != nil {
			return err
		}
		if s.plant == plantMoveFirst {
			ln.taken = ln.next + event.Offset(n)
			if err := ln.move(); err != nil {
				return err
			}
			return ln.push(far, batch)
		}
		err = ln.push(far, batch)
		isInvalid := errors.Is(err, eventlog.ErrInvalid) && !errors.Is(err, eventlog.ErrUnknown)
		switch {
		case isInvalid && n > 1:
			ln.limit = n / 2 // Find the one.
			continue
		case isInvalid:
			err = ln.setAside(entries[0], err)
		default:
			ln.limit = min(2*ln.limit, maxFrames)
		}
		if err != nil {
			return err
		}
		ln.taken = ln.next + event.Offset(n)
	}
	return nil
}

// errNear marks errors after which the near log cannot go on.
var errNear = errors.New("near log failed")

// merge makes one batch of frames, as many as fit.
func (ln *lane) merge(entries []eventlog.Entry) (batch *eventlog.Batch, n int, err error) {
	batch = &eventlog.Batch{Essential: true}
	loose := make(map[eventlog.Count]int64) // of frames without records
	for i, e := range entries {
		f, err := parseFrame(e.Payload)
		if err != nil {
			return nil, 0, fmt.Errorf("near log partition %d offset %d: %w: %w", ln.partition, e.Offset, errNear, err)
		}
		if i == 0 {
			ln.reached(f.oldest)
		}
		if i > 0 && len(f.payloads) == 0 && len(loose)+len(f.counts) > maxLoose {
			break
		}
		n++
		batch.Essential = batch.Essential && f.essential
		first := len(batch.Records)
		for _, payload := range f.payloads {
			batch.Records = append(batch.Records, eventlog.Record{Partition: ln.partition, Payload: payload})
		}
		for _, c := range f.counts {
			c.Partition = ln.partition
			if len(f.payloads) == 0 {
				sum := c.N
				c.N = 0
				loose[c] += sum
				continue
			}
			// Those of several records stay with their frame, at its first.
			c.Record = first + max(c.Record, 1)
			batch.Counts = append(batch.Counts, c)
		}
	}
	for c, sum := range loose {
		c.N = sum
		batch.Counts = append(batch.Counts, c)
	}
	if ln.s.plant == plantDropCounts {
		batch.Counts = nil
	}
	return batch, n, nil
}

// push appends batch to the far log until all of it is durable there. What was
// taken in part is not appended again.
func (ln *lane) push(far eventlog.Log, batch *eventlog.Batch) error {
	s := ln.s
	for {
		if ln.again {
			s.telemetry.again.Add(float64(len(batch.Records)))
		}
		err := far.Append(s.life, batch)
		if err == nil {
			s.telemetry.forwarded.Add(float64(len(batch.Records)))
			ln.again = false
			return nil
		}
		var partial *eventlog.PartialError
		isPartial := errors.As(err, &partial)
		ln.again = ln.again || isPartial || errors.Is(err, eventlog.ErrUnknown)
		if !isPartial {
			return fmt.Errorf("forward %d records of partition %d: %w", len(batch.Records), ln.partition, err)
		}
		rest := partial.Rest(batch)
		if len(rest.Records)+len(rest.Counts) == 0 {
			s.telemetry.forwarded.Add(float64(len(batch.Records)))
			return nil
		}
		if len(rest.Records)+len(rest.Counts) == len(batch.Records)+len(batch.Counts) || errors.Is(err, eventlog.ErrInvalid) {
			return fmt.Errorf("forward partition %d: %w", ln.partition, err)
		}
		batch = rest
	}
}

// setAside keeps a frame that the far log refuses for good, and goes on.
func (ln *lane) setAside(e eventlog.Entry, why error) error {
	name := fmt.Sprintf("partition-%d-offset-%d.frame", ln.partition, e.Offset)
	if err := ln.s.deps.SetAside(name, e.Payload); err != nil {
		return fmt.Errorf("set aside %s: %w", name, err)
	}
	ln.s.telemetry.aside.Inc()
	ln.s.logger.Error("far log refuses a frame for good: it is set aside, and in no report",
		"partition", ln.partition, "file", name, "error", why)
	return nil
}

// move forgets the frames that were taken. If that fails it is done again, and they
// are not forwarded again meanwhile; only another process would.
func (ln *lane) move() error {
	// Not with life: what is in the far log should not be forwarded at the next start.
	err := ln.s.near.Truncate(context.Background(), ln.partition, ln.taken)
	switch {
	case errors.Is(err, eventlog.ErrClosed):
		return fmt.Errorf("truncate near log: %w: %w", errNear, err)
	case err != nil:
		return fmt.Errorf("truncate near log: %w", err)
	}
	ln.next = ln.taken
	ln.emptied()
	return nil
}
