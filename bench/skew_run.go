// One run of the skew measure: a fresh server, a load at the rated pace, probes of
// a property that gets nothing of it, and what the process used.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

// skewCase is one way to deal out the same number of events.
type skewCase struct {
	name, what string
	village    *village
	requests   []request
	change     func(r *request) // of requests about to be sent, or nil
	length     time.Duration
	// meet: every property is heard of before the clock runs.
	meet bool
	// before is how many events are folded before the clock runs, and begin makes
	// them what they are.
	before  int
	traffic traffic.Config
	begin   func(i int, e *event.Event)
}

// skewRun is what one run saw.
type skewRun struct {
	accepted, visible float64 // events a second: acknowledged; until all were in reports
	cpu               float64 // seconds of the server's processor time an event, until all were in reports
	waits, delays     []float64
	busy              int
	met               time.Duration // until every property had been accepted from
	metBusy           int           // answers 503 until then
	peak              float64       // of resident memory, since the process began
}

// skewConnections are as many as those of the loads of "visible".
const skewConnections = 16

// runSkew measures one case. after, if not nil, gets the server as the load left it.
func (b *bench) runSkew(ctx context.Context, c *skewCase, name string, after func(s *server) error) (*skewRun, error) {
	b.progress.say(c.what)
	s, err := c.village.server(b, name, "")
	if err != nil {
		return nil, err
	}
	if c.before > 0 {
		err := writeLog(ctx, s, c.traffic, c.before, c.begin, func(done int) {
			b.progress.say(fmt.Sprintf("%s: writing events, %s", c.what, count(float64(done))))
		})
		if err != nil {
			return nil, err
		}
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	run, err := b.loadSkew(ctx, c, s, name)
	if err == nil && after != nil {
		err = after(s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", c.name, err), s.kill())
	}
	return run, s.kill()
}

func (b *bench) loadSkew(ctx context.Context, c *skewCase, s *server, name string) (*skewRun, error) {
	run := &skewRun{}
	if c.meet {
		if err := run.meet(ctx, c, s); err != nil {
			return nil, err
		}
	}
	if err := s.until(ctx, func(l ledger) bool { return l.Lag == 0 }); err != nil {
		return nil, err
	}
	if err := s.rest(ctx); err != nil {
		return nil, err
	}
	l := newLoad(c.requests, skewConnections)
	for _, one := range l.senders {
		one.change = c.change
	}
	at := probes{server: s, run: name, every: 50 * time.Millisecond}
	wait := b.profile(s, name, c.length)
	var sent *outcome
	var sendErr error
	var drained time.Duration
	before, err := cpuOf(s.pid())
	if err != nil {
		return nil, err
	}
	var used time.Duration
	began := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		if sent, sendErr = l.run(ctx, s.address, c.length, skewRate); sendErr == nil {
			// Everything accepted, for any property, is visible.
			sendErr = s.until(ctx, func(l ledger) bool { return l.Lag == 0 })
			drained = time.Since(began)
		}
		if sendErr == nil {
			used, sendErr = cpuOf(s.pid())
		}
	})
	delays, err := at.watch(ctx, c.length)
	wg.Wait()
	wait()
	if err := errors.Join(err, sendErr); err != nil {
		return nil, err
	}
	b.heapProfile(s, name)
	if _, run.peak, err = memoryOf(s.pid()); err != nil {
		return nil, err
	}
	run.accepted, run.visible = sent.eventsPerSecond(), float64(sent.events)/drained.Seconds()
	run.cpu = (used - before).Seconds() / float64(max(1, sent.events))
	run.waits, run.delays, run.busy = sent.waits, delays, sent.busy
	return run, nil
}

// meet sends one request to each property until each was accepted once.
func (r *skewRun) meet(ctx context.Context, c *skewCase, s *server) error {
	began := time.Now()
	shares := slices.Collect(slices.Chunk(c.requests, (len(c.requests)+skewConnections-1)/skewConnections))
	busy, errs := make([]int, len(shares)), make([]error, len(shares))
	var wg sync.WaitGroup
	for i, share := range shares {
		wg.Go(func() { busy[i], errs[i] = meetAll(ctx, s.address, share, uint64(i)) })
	}
	wg.Wait()
	r.met = time.Since(began)
	for _, n := range busy {
		r.metBusy += n
	}
	return errors.Join(errs...)
}
