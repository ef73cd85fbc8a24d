// Hungry: reports that want all the memory there is must fail alone. Events and the
// panel of another property go on meanwhile.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// hungryRate leaves cores to the reports: they are to lack memory, not time.
	hungryRate = 10_000.0
	hungryAsks = 8 // at once, twice as many as one property may run
)

// hungryReport groups by as many dimensions as a report may have, so that next to
// each event is a group of its own, and counts distinct people in each.
func hungryReport() report {
	return report{Dimensions: named("pagePathPlusQueryString", "pageTitle", "pageReferrer", "landingPage", "sessionSource",
		"browser", "operatingSystem", "city", "screenResolution"),
		Metrics:    named("activeUsers", "totalUsers", "sessions", "eventCount", "userEngagementDuration"),
		DateRanges: []dateRange{{"yesterday", "today"}}, OrderBys: []any{byMetric("activeUsers")}, Limit: "10"}
}

// quiet is what is seen of those who are not hungry.
type quiet struct {
	sent   *outcome
	panels []float64
	delays []float64
	// refused are reports of the property without load that were answered 429.
	refused, asked int
}

// hungry asks the property with a page for every event, on the server that the case
// of paths left.
func (k *skew) hungry(ctx context.Context, s *server) error {
	if err := s.rest(ctx); err != nil {
		return err
	}
	k.progress.say("without hungry reports")
	before, err := k.quiet(ctx, s, "before")
	if err != nil {
		return err
	}
	if err := s.rest(ctx); err != nil {
		return err
	}
	k.progress.say("with hungry reports")
	var ended tally
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range hungryAsks {
		wg.Go(func() {
			for going := true; going; { // the last one is waited for: it is to end by itself
				ended.note(s.askAs(ctx, k.few.loaded[0], hungryReport()))
				select {
				case <-done:
					going = false
				default:
				}
			}
		})
	}
	during, err := k.quiet(ctx, s, "during")
	k.heapProfile(s, "skew-hungry")
	close(done)
	wg.Wait()
	if err != nil {
		return err
	}
	_, peak, err := memoryOf(s.pid())
	if err != nil {
		return err
	}
	b := k.bench
	at := len(b.results)
	b.add(fmt.Sprintf("%d hungry reports at once, how they ended", hungryAsks), ended.String(), "", "")
	b.add(fmt.Sprintf("  %s events/s offered, events/s accepted", count(hungryRate)), count(during.sent.eventsPerSecond()),
		times(during.sent.eventsPerSecond()/before.sent.eventsPerSecond())+" of without", ">= 0.8 x")
	pairs := func(what string, with, without []float64) {
		b.add(what, millis(median(with))+", "+millis(quantile(with, 0.99)),
			times(median(with)/median(without))+", "+times(quantile(with, 0.99)/quantile(without, 0.99))+" of without", "")
	}
	pairs("  answer p50, p99", during.sent.waits, before.sent.waits)
	pairs("  another property: a panel, p50, p99", during.panels, before.panels)
	pairs("  another property: acknowledged to seen, p50, p99", during.delays, before.delays)
	b.add("  another property: reports answered 429", count(float64(during.refused)), "", "0")
	b.add("  memory: peak", megabytes(peak), "", "")
	k.hungryLines, b.results = slices.Clone(b.results[at:]), b.results[:at]
	return nil
}

// quiet sends events at a moderate rate, and asks panels and watches probes of the
// property without load.
func (k *skew) quiet(ctx context.Context, s *server, name string) (*quiet, error) {
	q := &quiet{}
	length := max(k.size.length, 5*time.Second)
	errs := make([]error, 3)
	probed := 0
	var wg sync.WaitGroup
	wg.Go(func() {
		q.sent, errs[0] = newLoad(k.even.requests, skewConnections).run(ctx, s.address, length, hungryRate)
	})
	wg.Go(func() {
		at := probes{server: s, run: "hungry-" + name, every: 50 * time.Millisecond, patient: true}
		q.delays, errs[1] = at.watch(ctx, length)
		probed = at.refused
	})
	wg.Go(func() {
		panels := dashboard()
		for began := time.Now(); time.Since(began) < length && errs[2] == nil; {
			var took float64
			took, errs[2] = s.ask(ctx, panels[q.asked%len(panels)])
			q.asked++
			if isRefused(errs[2]) {
				q.refused++
				errs[2] = nil
			} else {
				q.panels = append(q.panels, took)
			}
			errs[2] = errors.Join(errs[2], pause(ctx, 20*time.Millisecond))
		}
	})
	wg.Wait()
	q.refused += probed
	return q, errors.Join(errs...)
}

// askAs asks a report of another property and returns how it ended.
func (s *server) askAs(ctx context.Context, c credentials, r report) string {
	other := *s
	other.credentials = c
	err := other.call(ctx, http.MethodPost, "/v1beta/properties/"+c.Property+":runReport", r, nil)
	switch {
	case err == nil:
		return "answered"
	}
	var refused *callError
	if errors.As(err, &refused) {
		return refused.status
	}
	return "lost"
}

// tally counts how things ended.
type tally struct {
	mu sync.Mutex
	of map[string]int
}

func (t *tally) note(how string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]int{}
	}
	t.of[how]++
}

func (t *tally) String() string {
	var parts []string
	for how, n := range t.of {
		parts = append(parts, fmt.Sprintf("%d %s", n, how))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
