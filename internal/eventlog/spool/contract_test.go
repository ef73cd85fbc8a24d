// While the far log works, a spool keeps what a log promises to who appends.
package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/eventlog/memlog"
)

// readable is a spool whose far log is read by the suite.
type readable struct {
	*Spool
	far eventlog.Log
}

func (r readable) Read(ctx context.Context, p event.Partition, from event.Offset, n int, dst []eventlog.Entry) ([]eventlog.Entry, error) {
	return r.far.Read(ctx, p, from, n, dst)
}
func (r readable) Wait(ctx context.Context, ends []event.Offset) error { return r.far.Wait(ctx, ends) }
func (r readable) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	return r.far.Truncate(ctx, p, before)
}
func (r readable) Counts(ctx context.Context) ([]eventlog.Count, error) { return r.far.Counts(ctx) }
func (r readable) CountsOf(ctx context.Context, id event.PropertyID) (map[event.RefuseReason]int64, error) {
	return r.far.CountsOf(ctx, id)
}

func TestSpoolKeepsTheContractWhileTheFarLogWorks(t *testing.T) {
	eventlogtest.Run(t, func(testing.TB) eventlogtest.Subject {
		return eventlogtest.Subject{Open: func(t testing.TB) eventlog.Log {
			far := memlog.New(memlog.Config{Partitions: partitions})
			s := mustOpen(t, testConfig(), Deps{
				Near: nearLog(), OpenFar: func(context.Context) (eventlog.Log, error) { return far, nil },
			}, plantNothing)
			await(t, "lanes turn to the far log", allFar(s))
			return readable{s, far}
		}}
	})
}

func TestAppendIsAllThatASpoolDoes(t *testing.T) {
	s := mustOpen(t, testConfig(), Deps{Near: nearLog(), OpenFar: newFar(newWorld()).open}, plantNothing)
	defer func() { _ = s.Close() }()
	_, readErr := s.Read(t.Context(), 0, 0, 1, nil)
	_, countsErr := s.Counts(t.Context())
	_, countsOfErr := s.CountsOf(t.Context(), 1)
	for _, err := range []error{readErr, countsErr, countsOfErr, s.Wait(t.Context(), make([]event.Offset, partitions)), s.Truncate(t.Context(), 0, 1)} {
		if !errors.Is(err, errAppendOnly) {
			t.Errorf("got error %v, want %v", err, errAppendOnly)
		}
	}
}

func TestAnotherNumberOfPartitionsIsAnError(t *testing.T) {
	other := memlog.New(memlog.Config{Partitions: partitions + 1})
	if _, err := Open(testConfig(), Deps{Near: other, OpenFar: newFar(newWorld()).open}); err == nil {
		t.Error("a near log with other partitions was taken")
	}
	s := mustOpen(t, testConfig(), Deps{
		Near: nearLog(), OpenFar: func(context.Context) (eventlog.Log, error) { return other, nil },
	}, plantNothing)
	<-s.Failed()
	if s.Err() == nil || !strings.Contains(s.Degraded(), "partitions") {
		t.Errorf("error %v, degraded %q", s.Err(), s.Degraded())
	}
	if err := s.Close(); err == nil {
		t.Error("closed without a word")
	}
}

func TestChoicesThatCannotWorkAreRefused(t *testing.T) {
	if err := testConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"partitions":        func(c *Config) { c.Partitions = 0 },
		"max_age":           func(c *Config) { c.MaxAge = 25 * time.Hour },
		"max_far_wait":      func(c *Config) { c.MaxFarWait = 0 },
		"max_handover_wait": func(c *Config) { c.MaxHandoverWait = 0 },
		"forward_bytes":     func(c *Config) { c.ForwardBytes = 0 },
		"max_retry":         func(c *Config) { c.MaxRetry = 1 },
		"close_wait":        func(c *Config) { c.CloseWait = 0 },
		"aside_dir":         func(c *Config) { c.AsideDir = "" },
	} {
		cfg := testConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestFilesSetAsideHoldTheFrame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aside")
	for range 2 {
		if err := (asideFiles{dir}).write("a.frame", []byte("bytes")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "a.frame"))
	if names, _ := os.ReadDir(dir); err != nil || string(got) != "bytes" || len(names) != 1 {
		t.Errorf("got %q, %v, %v", got, names, err)
	}
}

// TestTelemetryIsOneSpools: the next one registers the same names.
func TestTelemetryIsOneSpools(t *testing.T) {
	reg := prometheus.NewRegistry()
	for range 2 {
		far := newFar(newWorld())
		s := mustOpen(t, testConfig(), Deps{Near: nearLog(), OpenFar: far.open, Registerer: reg}, plantNothing)
		await(t, "lanes turn to the far log", allFar(s))
		far.set(faultUnknownGone)
		mustAppend(t, s, one(1, "a", "b"))
		far.set(faultNone)
		await(t, "drain", drained(s))
		await(t, "lane turns back", func() bool { return s.lanes[1].modeNow() == modeFar })
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			m := f.GetMetric()[0]
			got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		for name, want := range map[string]float64{
			"records_total": 2, "forwarded_total": 2, "unknown_total": 1, "set_aside_total": 0, "refused_total": 0, "waiting_appends": 0, "oldest_seconds": 0,
		} {
			if got["tidemark_spool_"+name] != want {
				t.Errorf("%s is %v, want %v", name, got["tidemark_spool_"+name], want)
			}
		}
		if got["tidemark_spool_bytes_total"] < 4 {
			t.Errorf("bytes_total is %v", got["tidemark_spool_bytes_total"])
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitNoGoroutines gives goroutines of this package time to end, and returns
// what is left.
func awaitNoGoroutines() string {
	deadline, again := time.NewTimer(15*time.Second), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for {
		left := leftBehind()
		if left == "" {
			return ""
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return left
		}
	}
}

func leftBehind() string {
	buf := make([]byte, 32<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "eventlog/spool.") && !strings.Contains(stack, "spool.TestMain") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func complain(left string) int {
	if left == "" {
		return 0
	}
	fmt.Fprintln(os.Stderr, "goroutines are left behind:\n\n"+left)
	return 1
}
