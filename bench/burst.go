// Bursts: as many events as the server acknowledges, each durable. The server
// lags and drains afterwards.
package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

const (
	connections    = 64
	preparedEvents = 100_000
)

func measureSingle(ctx context.Context, b *bench) error {
	return b.burst(ctx, burst{name: "single", batch: 1, cookieless: 0.5, targetRatio: ">= 0.6 x (0.7)", targetCPU: "<= 35 us"})
}

func measureBatches(ctx context.Context, b *bench) error {
	for _, n := range []int{25, 100} {
		err := b.burst(ctx, burst{name: fmt.Sprintf("batch%d", n), batch: n,
			targetRate: ">= 200,000/s (250,000)", targetCPU: "<= 15 us"})
		if err != nil {
			return err
		}
	}
	return nil
}

type burst struct {
	name                               string
	batch                              int
	cookieless                         float64
	targetRate, targetRatio, targetCPU string
}

// interleaved holds what the rounds of both sides came to.
type interleaved struct {
	floor, tidemark []float64 // requests a second
	ratios          []float64 // of neighbouring rounds
	waits           []float64
	share           []float64 // of the machine's cores, by the load generator
	busy            int
	draining        time.Duration
	drained         int
}

func (b *bench) burst(ctx context.Context, u burst) (err error) {
	b.progress.say("making traffic")
	s, err := b.newServer(u.name, "")
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	requests, err := makeRequests(s.credentials, preparedEvents, u.batch, u.cookieless)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	f, err := startFloor()
	if err != nil {
		return errors.Join(err, s.kill())
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	idle, err := b.idleMemory(ctx, s)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	before, err := cpuOf(s.pid())
	if err != nil {
		return errors.Join(err, s.kill())
	}
	seen, err := b.interleave(ctx, s, f, newLoad(requests, connections), u.name)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	l, err := s.drain(ctx)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	_, peak, err := memoryOf(s.pid())
	if err != nil {
		return errors.Join(err, s.kill())
	}
	cpu, err := s.stop()
	if err != nil {
		return err
	}
	b.reportBurst(u, seen, l, (cpu-before).Seconds()/float64(max(1, l.Accepted)), idle, peak)
	return nil
}

// idleMemory lets a fresh server sit for a second.
func (b *bench) idleMemory(ctx context.Context, s *server) (float64, error) {
	if err := s.rest(ctx); err != nil {
		return 0, err
	}
	if err := pause(ctx, time.Second); err != nil {
		return 0, err
	}
	now, _, err := memoryOf(s.pid())
	return now, err
}

// interleave runs floor and Tidemark in turn. Between two rounds the server
// comes to rest, so that no side runs into the other's remains.
func (b *bench) interleave(ctx context.Context, s *server, f *floor, l *load, name string) (*interleaved, error) {
	seen := &interleaved{}
	if _, err := l.burst(ctx, f.address, 300*time.Millisecond); err != nil { // warm
		return nil, err
	}
	if _, err := l.burst(ctx, s.address, 300*time.Millisecond); err != nil {
		return nil, err
	}
	for i := range b.rounds {
		if err := s.rest(ctx); err != nil {
			return nil, err
		}
		b.progress.say(fmt.Sprintf("round %d of %d, floor", i+1, b.rounds))
		bare, err := l.burst(ctx, f.address, b.round)
		if err != nil {
			return nil, err
		}
		b.progress.say(fmt.Sprintf("round %d of %d, tidemark", i+1, b.rounds))
		wait := b.profile(s, fmt.Sprintf("%s-%d", name, i), b.round)
		ours, err := l.burst(ctx, s.address, b.round)
		wait()
		if err != nil {
			return nil, err
		}
		b.progress.say(fmt.Sprintf("round %d of %d, draining", i+1, b.rounds))
		lagging, err := s.ledger(ctx)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := s.drain(ctx); err != nil {
			return nil, err
		}
		seen.draining += time.Since(began)
		seen.drained += int(lagging.Pending)
		seen.note(bare, ours)
	}
	return seen, nil
}

func (v *interleaved) note(bare, ours *outcome) {
	a, t := float64(bare.requests)/bare.took.Seconds(), float64(ours.requests)/ours.took.Seconds()
	v.floor, v.tidemark, v.ratios = append(v.floor, a), append(v.tidemark, t), append(v.ratios, t/a)
	v.waits = append(v.waits, ours.waits...)
	v.share = append(v.share, ours.cpu.Seconds()/ours.took.Seconds()/float64(runtime.NumCPU()))
	v.busy += ours.busy
}

func (b *bench) reportBurst(u burst, v *interleaved, l ledger, cpu, idle, peak float64) {
	what := fmt.Sprintf("%d events a request", u.batch)
	if u.batch == 1 {
		what = "one event a request"
		b.add("floor, requests/s", count(median(v.floor)), "1.00 x", "")
	}
	b.add(what+", events/s acknowledged", count(median(v.tidemark)*float64(u.batch)), times(median(v.ratios)),
		u.targetRatio+u.targetRate)
	b.add("  answer p50, p99", millis(median(v.waits))+", "+millis(quantile(v.waits, 0.99)), "", "")
	if v.busy > 0 {
		b.add("  answers 503", count(float64(v.busy)), "", "")
	}
	b.add("  processor time, edge to segment", micros(cpu)+" an event", "", u.targetCPU)
	if v.drained > 0 && v.draining > 200*time.Millisecond {
		b.add("  backlog drained, events/s", count(float64(v.drained)/v.draining.Seconds()), "", "")
	}
	b.add("  load generator's share of all cores", percent(median(v.share)), "", "")
	if u.batch == 1 {
		b.add("  memory: idle", megabytes(idle), "", "<= 150 MB")
	}
	b.add(fmt.Sprintf("  memory: peak over %s events", count(float64(l.Accepted))), megabytes(peak), "", "")
}
