// Visible: how long it takes from the acknowledgement of an event until a
// report shows it, at rest and at stated rates.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func measureVisible(ctx context.Context, b *bench) error {
	s, err := b.newServer("visible", "")
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	err = b.visible(ctx, s)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	_, err = s.stop()
	return err
}

func (b *bench) visible(ctx context.Context, s *server) error {
	b.progress.say("at rest")
	at := probes{server: s, run: "rest", every: 300 * time.Millisecond}
	delays, err := at.watch(ctx, b.rated/2)
	if err != nil {
		return err
	}
	b.add("at rest: acknowledged to seen in a report, p50, p99",
		millis(median(delays))+", "+millis(quantile(delays, 0.99)), "", "<= 50 ms")
	requests, err := makeRequests(s.credentials, preparedEvents, 50, 0)
	if err != nil {
		return err
	}
	l := newLoad(requests, 16)
	for _, rate := range []float64{20_000, 50_000, 100_000} {
		if err := s.rest(ctx); err != nil {
			return err
		}
		if err := b.visibleAt(ctx, s, l, rate); err != nil {
			return err
		}
	}
	return nil
}

// visibleAt offers events at a rate in batches of 50 and watches probes.
func (b *bench) visibleAt(ctx context.Context, s *server, l *load, rate float64) error {
	b.progress.say(fmt.Sprintf("%s events/s", count(rate)))
	at := probes{server: s, run: fmt.Sprintf("at%.0f", rate), every: 50 * time.Millisecond}
	cpu, err := cpuOf(s.pid())
	if err != nil {
		return err
	}
	var sent *outcome
	var sendErr error
	var wg sync.WaitGroup
	wg.Go(func() { sent, sendErr = l.run(ctx, s.address, b.rated, rate) })
	wait := b.profile(s, at.run, b.rated)
	delays, err := at.watch(ctx, b.rated)
	wg.Wait()
	wait()
	if err := errors.Join(err, sendErr); err != nil {
		return err
	}
	lag, err := s.ledger(ctx)
	if err != nil {
		return err
	}
	used, err := cpuOf(s.pid())
	if err != nil {
		return err
	}
	target := ""
	if rate == 50_000 {
		target = "50,000/s (100,000), p99 < 1 s"
	}
	b.add(fmt.Sprintf("%s events/s offered in batches of 50, events/s accepted", count(rate)),
		count(sent.eventsPerSecond()), "", target)
	b.add("  acknowledged to seen in a report, p50, p99",
		millis(median(delays))+", "+millis(quantile(delays, 0.99)), "", "")
	b.add("  answer p50, p99", millis(median(sent.waits))+", "+millis(quantile(sent.waits, 0.99)), "", "")
	b.add("  events not yet visible at the end", count(float64(lag.Pending)), "", "")
	b.add("  share of all cores: server, load generator", percent((used-cpu).Seconds()/b.rated.Seconds()/float64(runtime.NumCPU()))+
		", "+percent(sent.cpu.Seconds()/sent.took.Seconds()/float64(runtime.NumCPU())), "", "")
	return nil
}

// probes are events with page paths that no other event has.
type probes struct {
	server *server
	// reports is asked where another process answers; nil: server.
	reports *server
	run     string
	every   time.Duration
	// patient: a report that is refused is asked again, and counted.
	patient bool
	refused int

	mu      sync.Mutex
	pending map[string]time.Time // acknowledged, not seen
	delays  []float64            // seconds
}

// patience is how long after the last probe all must have been seen.
const patience = time.Minute

// watch sends probes for a time and returns after how many seconds each was
// seen. Reports are asked one after another, without a pause under load.
func (p *probes) watch(ctx context.Context, length time.Duration) ([]float64, error) {
	p.pending = map[string]time.Time{}
	n := int(length / p.every)
	sent := make(chan error, 1)
	go func() { sent <- p.sendAll(ctx, n) }()
	deadline := time.Now().Add(length + patience)
	for sending := true; ; {
		select {
		case err := <-sent:
			if err != nil {
				return nil, err
			}
			sending = false
		default:
		}
		waiting, err := p.look(ctx)
		switch {
		case err != nil && p.patient && isRefused(err):
			p.refused++
			waiting = 1 // at least
		case err != nil:
			return nil, err
		}
		if !sending && waiting == 0 {
			return p.delays, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%d of %d probes were not seen", waiting, n)
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (p *probes) sendAll(ctx context.Context, n int) error {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		path := "/probe/" + p.run + "/" + strconv.Itoa(i)
		body := map[string]any{"name": "page_view", "url": "https://shop.example" + path,
			"client_id": "probe." + strconv.Itoa(i%10), "event_id": p.run + strconv.Itoa(i) + p.server.Property}
		if err := p.server.call(ctx, http.MethodPost, "/v1/events?measurement_id="+p.server.MeasurementID, body, nil); err != nil {
			return err
		}
		p.mu.Lock()
		p.pending[path] = time.Now()
		p.mu.Unlock()
	}
	return nil
}

// look asks one report for all probes that wait, and returns how many still do.
func (p *probes) look(ctx context.Context) (int, error) {
	p.mu.Lock()
	var want []string
	for path := range p.pending {
		want = append(want, path)
	}
	p.mu.Unlock()
	if len(want) == 0 {
		return 0, nil
	}
	request := report{Dimensions: named("pagePath"), Metrics: named("eventCount"), Limit: "10000",
		DateRanges: []dateRange{{"yesterday", "today"}}, DimensionFilter: inList("pagePath", want)}
	var answer answer
	asked := p.reports
	if asked == nil {
		asked = p.server
	}
	err := asked.call(ctx, http.MethodPost, "/v1beta/properties/"+p.server.Property+":runReport", request, &answer)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, row := range answer.Rows {
		path := row.DimensionValues[0].Value
		if at, ok := p.pending[path]; ok {
			p.delays = append(p.delays, now.Sub(at).Seconds())
			delete(p.pending, path)
		}
	}
	return len(p.pending), nil
}
