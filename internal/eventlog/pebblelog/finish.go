// The finisher: what happens once a commit is on disk.
package pebblelog

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// finishLoop waits for the syncs in commit order, then publishes and answers.
func (l *Log) finishLoop() {
	for c := range l.inflight {
		l.finish(c)
		<-l.slots
	}
}

func (l *Log) finish(c *commit) {
	begin := time.Now()
	err := l.waitSync(c)
	l.telemetry.syncSeconds.Observe(time.Since(begin).Seconds())
	if err != nil {
		l.fail(fmt.Errorf("%w: %w", errSync, err))
	}
	// Once failed, always failed: a later sync that succeeds says nothing about
	// the pages of the one that did not (P3).
	if l.failure() != nil {
		c.answer(fmt.Errorf("%w: %w", eventlog.ErrUnknown, errFailed))
		return
	}
	l.publish(c)
	l.telemetry.commits.Inc()
	l.telemetry.records.Add(float64(c.records))
	l.telemetry.bytes.Add(float64(c.bytes))
	l.usage.add(c.bytes)
	c.answer(nil)
	_ = c.batch.Close()
}

func (l *Log) waitSync(c *commit) error {
	if l.plant == plantNoSync {
		return nil
	}
	return c.batch.SyncWait()
}

// publish adds up the counts, moves the durable ends and wakes those who wait
// for them (P2).
func (l *Log) publish(c *commit) {
	l.sums.add(c.counts) // First: what can be read was counted (CountsOf).
	for _, e := range c.ends {
		l.ends[e.partition].Store(uint64(e.end))
	}
	for _, r := range c.requests {
		if t := r.trunc; t != nil && uint64(t.start) > l.kept[t.partition].Load() {
			l.kept[t.partition].Store(uint64(t.start))
		}
	}
	l.durable.Store(c.number)
	l.wake()
}

// wake lets everybody in Wait and waitDurable look again.
func (l *Log) wake() {
	l.waitMu.Lock()
	defer l.waitMu.Unlock()
	if l.advance != nil {
		close(l.advance)
		l.advance = nil
	}
}

// nextAdvance returns a channel that is closed at the next wake. Get it before
// looking at what wake announces, or the wake in between is missed.
func (l *Log) nextAdvance() <-chan struct{} {
	l.waitMu.Lock()
	defer l.waitMu.Unlock()
	if l.advance == nil {
		l.advance = make(chan struct{})
	}
	return l.advance
}

// waitFor blocks until ready, or until the log ends or ctx is done.
func (l *Log) waitFor(ctx context.Context, ready func() bool) error {
	for {
		// Fast path: nothing to wait for.
		if ready() {
			return nil
		}
		advance := l.nextAdvance()
		if ready() {
			return nil
		}
		if err := l.closedError(); err != nil {
			return err
		}
		select {
		case <-advance:
		case <-l.failed:
			return fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Log) waitDurable(ctx context.Context, number uint64) error {
	return l.waitFor(ctx, func() bool { return l.durable.Load() >= number })
}

// Wait returns once a partition has a record at or after ends[p].
func (l *Log) Wait(ctx context.Context, ends []event.Offset) error {
	if len(ends) != l.cfg.Partitions {
		return fmt.Errorf("wait: %d ends for %d partitions", len(ends), l.cfg.Partitions)
	}
	if err := l.closedError(); err != nil {
		return err
	}
	return l.waitFor(ctx, func() bool {
		for p := range ends {
			if l.ends[p].Load() > uint64(ends[p]) {
				return true
			}
		}
		return false
	})
}
