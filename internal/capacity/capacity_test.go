// The sums of a plan, small enough to be done by hand.
package capacity

import (
	"strings"
	"testing"
	"time"
)

// plain has round numbers.
func plain() (Load, Machine, Costs) {
	return Load{EventsPerDay: 864e6, Peak: 2, EventsPerRequest: 10, EventsPerClient: 30, ReportsPerSecond: 100,
			LogDays: 7, HistoryDays: 365, BatchInterval: time.Second},
		Machine{Cores: 10, Busy: 0.5, Disk: 10e12, Network: 1e9},
		Costs{CollectRequest: 100 * time.Microsecond, CollectEvent: 10 * time.Microsecond, FoldEvent: 50 * time.Microsecond,
			InsertEvent: 20 * time.Microsecond, Report: 100 * time.Millisecond, FollowEvent: 5 * time.Microsecond, LogBytes: 100, StoreBytes: 50, StateBytes: 1000,
			FoldRate: 5000, BatchCalls: 3, BatchPuts: 4, BrokerBytes: 100e6, DatabaseCalls: 1000}
}

func TestSumsOfAPlan(t *testing.T) {
	p, err := For(plain())
	if err != nil {
		t.Fatal(err)
	}
	// 864e6 a day are 10,000 a second, at the peak 20,000.
	if p.MeanRate != 10_000 || p.PeakRate != 20_000 {
		t.Errorf("rates %v and %v", p.MeanRate, p.PeakRate)
	}
	// A partition takes 5,000 with a whole core, 2,500 with half of it: 8, and 16 at least.
	if p.Partitions != 16 || p.DatabaseCalls != 48 || p.ObjectPuts != 64 {
		t.Errorf("%d partitions, %v calls, %v puts", p.Partitions, p.DatabaseCalls, p.ObjectPuts)
	}
	for i, want := range []Role{
		// 20,000 x (10 us + 100 us / 10) = 0.4 cores, twice that so that half is busy.
		{Name: "collector", Cores: 0.8, Machines: 2},
		// 10,000 x 86,400 x 7 x 100 x 3 = 1.8 TB on machines of 10.
		{Name: "kafka broker", Cores: 30, Disk: 1.8144e12, Machines: 3},
		// 20,000 x 50 us = 1 core; 864e6 x 3 / 30 clients of 1,000 bytes.
		{Name: "processor", Cores: 2, Disk: 86.4e9, Machines: 2},
		// 2 x 20,000 x 20 us + 100 x 0.1 s = 10.8 cores; 864e6 x 365 x 50 x 2 = 31.5 TB.
		{Name: "clickhouse server", Cores: 21.6, Disk: 31.536e12, Machines: 4},
		// 20,000 x 5 us.
		{Name: "api", Cores: 0.2, Machines: 2},
	} {
		got := p.Roles[i]
		if got.Name != want.Name || !near(got.Cores, want.Cores) || !near(got.Disk, want.Disk) || got.Machines != want.Machines {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if len(p.Limits) != 0 {
		t.Errorf("limits: %q", p.Limits)
	}
}

func near(a, b float64) bool { return a-b < 1e-6*(1+b) && b-a < 1e-6*(1+b) }

func TestLimitsAreNamed(t *testing.T) {
	l, m, c := plain()
	l.EventsPerDay *= 1000
	p, err := For(l, m, c)
	if err != nil {
		t.Fatal(err)
	}
	// 20e6 a second at 2,500 a partition; 8,000 batches of 3 calls each second.
	if p.Partitions != 8000 || p.DatabaseCalls != 24_000 {
		t.Errorf("%d partitions, %v calls", p.Partitions, p.DatabaseCalls)
	}
	all := strings.Join(p.Limits, "\n")
	for _, want := range []string{"a batch interval of 25s or more", "2.0 GB a second", "8000 partitions"} {
		if !strings.Contains(all, want) {
			t.Errorf("limits do not name %q:\n%s", want, all)
		}
	}
}

func TestLoadsThatAreNone(t *testing.T) {
	for _, broken := range []struct {
		why    string
		change func(*Load, *Machine)
	}{
		{"events a day", func(l *Load, _ *Machine) { l.EventsPerDay = 0 }},
		{"peak", func(l *Load, _ *Machine) { l.Peak = 0.5 }},
		{"batch interval", func(l *Load, _ *Machine) { l.BatchInterval = 0 }},
		{"busy", func(_ *Load, m *Machine) { m.Busy = 1.5 }},
		{"cores", func(_ *Load, m *Machine) { m.Cores = 0 }},
		{"no load", func(l *Load, _ *Machine) { l.EventsPerDay = 1e16 }},
	} {
		l, m, c := plain()
		broken.change(&l, &m)
		if _, err := For(l, m, c); err == nil || !strings.Contains(err.Error(), broken.why) {
			t.Errorf("%s: %v", broken.why, err)
		}
	}
}
