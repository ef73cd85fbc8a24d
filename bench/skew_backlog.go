// Backlog: more is accepted for a time than is folded, and then less. Nothing
// outside the process can make the store stand still; it can be left behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	backlogBurst = 5 * time.Second
	// backlogRate is what goes on arriving while the backlog drains.
	backlogRate = 10_000.0
	// backlogGone is a lag that a server has that keeps up.
	backlogGone = 3000
)

func (k *skew) backlog(ctx context.Context) error {
	k.progress.say("leaving reports behind")
	s, err := k.few.server(k.bench, "skew-backlog", "")
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	if err := k.drainWhile(ctx, s); err != nil {
		return errors.Join(fmt.Errorf("backlog: %w", err), s.kill())
	}
	return s.kill()
}

// drainWhile makes a backlog and watches it drain while events go on arriving.
func (k *skew) drainWhile(ctx context.Context, s *server) error {
	if _, err := newLoad(k.even.requests, connections).burst(ctx, s.address, min(backlogBurst, k.size.length)); err != nil {
		return err
	}
	behind, err := s.ledger(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	going, stop := context.WithCancel(ctx)
	defer stop()
	var sent *outcome
	var sendErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		sent, sendErr = newLoad(k.even.requests, skewConnections).run(going, s.address, patience, backlogRate)
	})
	at := probes{server: s, run: "backlog", every: 50 * time.Millisecond}
	delays, err := at.watch(ctx, time.Second)
	if err == nil {
		err = s.until(ctx, func(l ledger) bool { return l.Lag <= backlogGone })
	}
	took := time.Since(began)
	stop()
	wg.Wait()
	if err != nil {
		return err
	}
	if sendErr != nil && !errors.Is(sendErr, context.Canceled) {
		return sendErr
	}
	_, peak, err := memoryOf(s.pid())
	if err != nil {
		return err
	}
	gone := float64(behind.Lag + int64(sent.events))
	k.add(fmt.Sprintf("backlog after a burst of %v, events", min(backlogBurst, k.size.length)), count(float64(behind.Lag)), "", "")
	k.add(fmt.Sprintf("  drained while %s events/s arrive, events/s", count(backlogRate)), count(gone/took.Seconds()), "", "")
	k.add("  gone after", millis(took.Seconds()), "", "")
	k.add("  another property, first second: acknowledged to seen, p50, p99",
		millis(median(delays))+", "+millis(quantile(delays, 0.99)), "", "")
	k.add("  answer p99 meanwhile", millis(quantile(sent.waits, 0.99)), "", "")
	k.add("  memory: peak", megabytes(peak), "", "")
	return nil
}
