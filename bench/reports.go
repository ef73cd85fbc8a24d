// Reports: how long answers take over histories of different size, and how
// many bytes an event takes on disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func measureReports(ctx context.Context, b *bench) error {
	if b.kept != "" {
		s, err := b.keptServer()
		if err != nil {
			return err
		}
		return b.answers(ctx, s, filepath.Base(s.dir))
	}
	for _, events := range b.history {
		if err := b.reports(ctx, events); err != nil {
			return err
		}
	}
	return nil
}

// hurried makes days final soon after the history was folded.
const hurried = `processor:
  checkpoint_interval: 5s
  upkeep_interval: 2s
`

// still leaves the files as they are while answers are compared, and remembers no
// answer.
const still = `processor:
  upkeep_interval: 24h
store:
  answer_memory: 1 KiB
`

func (b *bench) reports(ctx context.Context, events int) error {
	s, err := b.newServer(fmt.Sprintf("history%d", events), hurried)
	if err != nil {
		return err
	}
	began := time.Now()
	err = writeHistory(ctx, s, events, b.days, func(done int) {
		b.progress.say(fmt.Sprintf("writing events, %s of %s", count(float64(done)), count(float64(events))))
	})
	if err != nil {
		return err
	}
	wrote := time.Since(began)
	logged, err := bytesBelow(filepath.Join(s.dir, "log"), func(string) string { return "log" })
	if err != nil {
		return err
	}
	label := millions(events)
	b.add(label+" events into the log, events/s", count(float64(events)/wrote.Seconds()), "", "")
	if err := b.foldHistory(ctx, s, events, label); err != nil {
		return err
	}
	if err := b.bytesPerEvent(s, label, float64(events), logged["log"]); err != nil {
		return err
	}
	return b.answers(ctx, s, label)
}

// answers asks a history that was folded.
func (b *bench) answers(ctx context.Context, s *server, label string) error {
	s.settings = still
	if err := s.start(); err != nil {
		return err
	}
	if err := b.askReports(ctx, s, label); err != nil {
		return errors.Join(err, s.kill())
	}
	if _, err := s.stop(); err != nil {
		return err
	}
	return b.rates(ctx, s, label)
}

// foldHistory has a server fold the log and make days final.
func (b *bench) foldHistory(ctx context.Context, s *server, events int, label string) error {
	b.progress.say("folding " + label + " events")
	if err := s.start(); err != nil {
		return err
	}
	began := time.Now()
	wait := b.profile(s, "history", 20*time.Second)
	if _, err := s.drain(ctx); err != nil {
		return errors.Join(err, s.kill())
	}
	took := time.Since(began)
	b.heapProfile(s, "history")
	b.progress.say("waiting for final days")
	wait()
	if err := s.untilFinal(ctx); err != nil {
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
	b.add("  folded by a fresh server, events/s", count(float64(events)/took.Seconds()), "", ">= 150,000/s")
	b.add("  processor time, log to final segment", micros(cpu.Seconds()/float64(events))+" an event", "", "")
	b.add("  memory: peak", megabytes(peak), "", "<= 1,500 MB")
	return nil
}

// untilFinal waits until upkeep has nothing to do: three seconds without work.
func (s *server) untilFinal(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Minute)
	for quiet := 0; quiet < 4; {
		before, err := cpuOf(s.pid())
		if err != nil {
			return err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
		after, err := cpuOf(s.pid())
		if err != nil {
			return err
		}
		quiet++
		if after-before > 300*time.Millisecond {
			quiet = 0
		}
		if time.Now().After(deadline) {
			return nil // a server that never rests is measured as it is
		}
	}
	return nil
}

func (b *bench) bytesPerEvent(s *server, label string, events, logged float64) error {
	tables, err := bytesBelow(filepath.Join(s.dir, "store"), tableOf)
	if err != nil {
		return err
	}
	saved, err := bytesBelow(filepath.Join(s.dir, "state"), func(string) string { return "state" })
	if err != nil {
		return err
	}
	total := 0.0
	var parts []string
	names := make([]string, 0, len(tables))
	for table := range tables {
		names = append(names, table)
	}
	slices.Sort(names)
	for _, table := range names {
		total += tables[table]
		parts = append(parts, fmt.Sprintf("%s %.1f", table, tables[table]/events))
	}
	b.add("  segments on disk, bytes an event", fmt.Sprintf("%.1f", total/events), "", "<= 45 (40)")
	b.add("    of these: "+strings.Join(parts, ", "), "", "", "")
	b.add("  log and state on disk, bytes an event",
		fmt.Sprintf("%.1f, %.1f", logged/events, saved["state"]/events), "", "")
	return nil
}

func (b *bench) askReports(ctx context.Context, s *server, label string) error {
	if err := s.rest(ctx); err != nil {
		return err
	}
	panels := dashboard()
	b.progress.say("asking " + label + " events")
	wait := b.profile(s, "reports", 10*time.Second)
	var single, whole []float64
	byPanel := make([][]float64, len(panels))
	for i := range b.asks + 1 {
		if i == 1 { // drafts that the first round has asked for are made
			if err := s.rest(ctx); err != nil {
				return err
			}
		}
		for j, panel := range panels {
			took, err := s.ask(ctx, panel)
			if err != nil {
				return err
			}
			if i > 0 { // the first round reads files for the first time, and young rows
				single, byPanel[j] = append(single, took), append(byPanel[j], took)
			}
		}
	}
	for range b.asks {
		took, err := s.askDashboard(ctx, panels)
		if err != nil {
			return err
		}
		whole = append(whole, took)
	}
	wait()
	b.add(label+" events, 30 days: a panel, p50, p95",
		millis(median(single))+", "+millis(quantile(single, 0.95)), "", "p95 < 100 ms")
	slowest := 0
	for j := range panels {
		if median(byPanel[j]) > median(byPanel[slowest]) {
			slowest = j
		}
	}
	b.add("  the slowest panel, p50: "+panelName(panels[slowest]), millis(median(byPanel[slowest])), "", "")
	b.add("  all twelve at once, p50, p95", millis(median(whole))+", "+millis(quantile(whole, 0.95)), "", "")
	return b.adHoc(ctx, s)
}

func panelName(r report) string {
	if len(r.Dimensions) == 0 {
		return "totals"
	}
	return r.Dimensions[0].Name
}

// ask returns how many seconds one report takes.
func (s *server) ask(ctx context.Context, r report) (float64, error) {
	began := time.Now()
	err := s.call(ctx, http.MethodPost, "/v1beta/properties/"+s.Property+":runReport", r, nil)
	return time.Since(began).Seconds(), err
}

// askDashboard asks for all panels as the dashboard does: in batches of five,
// side by side.
func (s *server) askDashboard(ctx context.Context, panels []report) (float64, error) {
	began := time.Now()
	var wg sync.WaitGroup
	batches := slices.Collect(slices.Chunk(panels, 5))
	errs := make([]error, len(batches))
	for i, batch := range batches {
		wg.Go(func() {
			errs[i] = s.call(ctx, http.MethodPost, "/v1beta/properties/"+s.Property+":batchRunReports",
				object{"requests": batch}, nil)
		})
	}
	wg.Wait()
	return time.Since(began).Seconds(), errors.Join(errs...)
}

func millions(n int) string {
	if n%1_000_000 == 0 {
		return fmt.Sprintf("%dM", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1000)
}
