// Rates: how many reports a second are answered, from memory and counted anew.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// askers is how many ask at the same time.
const askers = 8

// rates asks over connections side by side, for a round each: one report again and
// again, which is remembered, and reports over ranges that differ, which are not.
func (b *bench) rates(ctx context.Context, s *server, label string) error {
	s.settings = "processor:\n  upkeep_interval: 24h\n"
	if err := s.start(); err != nil {
		return err
	}
	totals := dashboard()[0].Metrics
	ranged := func(i int64) report {
		// Final days only: 28 of the last 85, in as many ways as there are.
		first := 35 + i%50
		return report{Metrics: totals[:1+i/50%int64(len(totals))],
			DateRanges: []dateRange{{fmt.Sprintf("%ddaysAgo", first), fmt.Sprintf("%ddaysAgo", first-28)}}}
	}
	same, err := b.rate(ctx, s, func(int64) report { return ranged(0) })
	if err != nil {
		return errors.Join(err, s.kill())
	}
	s.settings = still
	if _, err := s.stop(); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	anew, err := b.rate(ctx, s, ranged)
	if err != nil {
		return errors.Join(err, s.kill())
	}
	if _, err := s.stop(); err != nil {
		return err
	}
	b.add(label+" events: reports a second, remembered", count(same), "", ">= 2,000/s")
	b.add("  counted anew", count(anew), "", ">= 100/s")
	return nil
}

func (b *bench) rate(ctx context.Context, s *server, question func(i int64) report) (float64, error) {
	var asked atomic.Int64
	errs := make([]error, askers)
	began := time.Now()
	var wg sync.WaitGroup
	for k := range askers {
		wg.Go(func() {
			for time.Since(began) < b.round && errs[k] == nil {
				_, errs[k] = s.ask(ctx, question(asked.Add(1)))
			}
		})
	}
	wg.Wait()
	return float64(asked.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}
