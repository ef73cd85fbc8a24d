// Kill: SIGKILL under load, the time until the server is ready again, and how
// fast it folds what was not yet in segments.
package main

import (
	"context"
	"errors"
	"time"
)

func measureKill(ctx context.Context, b *bench) error {
	s, err := b.newServer("kill", "")
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	requests, err := makeRequests(s.credentials, preparedEvents, 100, 0)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	b.progress.say("sending")
	if _, err := newLoad(requests, connections).burst(ctx, s.address, b.round); err != nil {
		return errors.Join(err, s.kill())
	}
	if err := s.kill(); err != nil {
		return err
	}
	b.progress.say("starting again")
	if err := s.start(); err != nil {
		return err
	}
	began := time.Now()
	wait := b.profile(s, "catchup", 3*time.Second)
	before, err := cpuOf(s.pid())
	if err != nil {
		return errors.Join(err, s.kill())
	}
	first, err := s.ledger(ctx)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	if _, err := s.drain(ctx); err != nil {
		return errors.Join(err, s.kill())
	}
	took := time.Since(began)
	wait()
	visible, err := cpuOf(s.pid())
	if err != nil {
		return errors.Join(err, s.kill())
	}
	heap, err := s.heap(ctx)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	now, _, err := memoryOf(s.pid())
	if err != nil {
		return errors.Join(err, s.kill())
	}
	whole, err := s.stop()
	if err != nil {
		return err
	}
	events := float64(max(1, first.Pending))
	b.add("ready after kill -9", millis(s.readyAfter.Seconds()), "", "<= 5 s")
	b.add("  events to fold again", count(float64(first.Pending)), "", "")
	b.add("  caught up, events/s", count(float64(first.Pending)/took.Seconds()), "", ">= 150,000/s")
	b.add("  processor time, log to visible", micros((visible-before).Seconds()/events)+" an event", "", "")
	b.add("  processor time, last checkpoint and stop", micros((whole-visible).Seconds()/events)+" an event", "", "")
	b.add("  memory with all of them in the head: all, Go's heap", megabytes(now)+", "+megabytes(heap), "", "")
	return nil
}
