// D1, D2, P1 to P3: power is cut before every file operation of log and state
// while checkpoints are made, and at every step of a commit. Whatever was
// acknowledged by then is in the reports exactly once after the restart.
package product_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

// moment is what a power cut at one point leaves behind.
type moment struct {
	what  string
	fs    *vfs.MemFS
	dir   string // copy of the segments
	acked int    // events acknowledged before it
	sent  int    // events sent, acknowledged or not
}

// cutter takes moments while a script runs.
type cutter struct {
	t    *testing.T
	mem  *vfs.MemFS
	dir  string
	rng  *rand.Rand
	stop bool

	mu          sync.Mutex
	acked, sent int
	moments     []moment
}

func (c *cutter) fs() vfs.FS {
	return errorfs.Wrap(c.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			c.cut(fmt.Sprintf("before %v of %s", op.Kind, filepath.Base(filepath.Dir(op.Path))+"/"+filepath.Base(op.Path)))
		}
		return nil
	}))
}

func (c *cutter) cut(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop {
		return
	}
	percent := []int{0, 0, 50, 100}[c.rng.IntN(4)]
	m := moment{what: fmt.Sprintf("%s, %d%% of unsynced data", what, percent), acked: c.acked, sent: c.sent,
		fs:  c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}),
		dir: filepath.Join(c.t.TempDir(), "cut")}
	copyFiles(c.t, filepath.Join(c.dir, "segments"), filepath.Join(m.dir, "segments"))
	c.moments = append(c.moments, m)
}

// copyFiles copies a flat directory that others write to: a file that goes while
// it is copied is gone.
func copyFiles(t *testing.T, from, to string) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), b, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

var crashProperty = property.Property{ID: 1, Name: "crash", TimeZone: "UTC", Currency: "EUR", Version: 1,
	ChannelRules: "ga4@2026"}

const crashStart = 1_772_445_600_000_000 // 2026-03-02 10:00 UTC

// After settleAfter events time goes on to daysLater: the days before are final.
const (
	settleAfter = 36
	daysLater   = 5 * 86_400_000_000
)

// crashEvent is the nth event: five clients, a minute apart, each on a page of
// its own.
func crashEvent(n int) *event.Event {
	at := int64(crashStart + n*60_000_000)
	if n >= settleAfter {
		at += daysLater
	}
	return &event.Event{Property: 1, ClientId: fmt.Sprint("c", n%5), Name: "page_view", Key: fmt.Sprint("k", n),
		Url: fmt.Sprintf("https://shop.example/e/%d", n), EventTime: at, IngestTime: at, Trusted: true}
}

func (c *cutter) open() *product.Product {
	p, err := product.Open(product.Options{Dir: c.dir, FS: c.fs(), Partitions: 2,
		Step: func(name string) { c.cut("at step " + name) }})
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// script appends events in batches with checkpoints, final days and compaction
// among them.
func (c *cutter) script() {
	p := c.open()
	ctx := c.t.Context()
	load := func(records ...*event.Record) {
		if err := p.Load(ctx, records); err != nil {
			c.t.Fatal(err)
		}
	}
	load(spec.DefinitionRecord(crashProperty, crashStart))
	for round := range 4 {
		for range 3 {
			var arrivals []*event.Event
			c.mu.Lock()
			for range 4 {
				arrivals = append(arrivals, crashEvent(c.sent))
				c.sent++
			}
			c.mu.Unlock()
			load(spec.Records(arrivals)...)
			c.mu.Lock()
			c.acked = c.sent
			c.mu.Unlock()
		}
		if round == 1 { // what is committed so far is surely on disk; what follows hangs on its own sync
			if err := p.Close(); err != nil {
				c.t.Fatal(err)
			}
			p = c.open()
		}
		if round == 2 {
			load(&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: crashStart + daysLater}}})
		}
		if round < 3 {
			if err := p.Settle(ctx); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.mu.Lock()
	c.stop = true
	c.mu.Unlock()
	if err := p.Crash(); err != nil {
		c.t.Fatal(err)
	}
}

func TestPowerCutAtEveryFileOperationLosesAndDoublesNothingD1D2(t *testing.T) {
	c := &cutter{t: t, mem: vfs.NewCrashableMem(), dir: t.TempDir(), rng: rand.New(rand.NewPCG(1, 2))}
	c.script()
	steps := map[string]bool{}
	for _, m := range c.moments {
		if step, ok := strings.CutPrefix(m.what, "at step "); ok {
			steps[strings.Split(step, ",")[0]] = true
		}
		if err := recovered(t.Context(), m); err != nil {
			t.Errorf("power cut %s, after %d events: %v", m.what, m.acked, err)
		}
	}
	for _, step := range []string{"freeze", "write segments", "commit", "install", "installed"} {
		if !steps[step] {
			t.Errorf("no power was cut at step %q", step)
		}
	}
	t.Logf("%d power cuts", len(c.moments))
}

// recovered opens what is left and compares it with what was acknowledged.
func recovered(ctx context.Context, m moment) (err error) {
	p, err := product.Open(product.Options{Dir: m.dir, FS: m.fs, Partitions: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Crash()) }()
	if err := p.Load(ctx, nil); err != nil {
		return err
	}
	q := &report.Query{Property: crashProperty, Limit: 1000,
		Dimensions: []report.DimensionRef{{Name: "pagePath"}},
		Metrics:    []report.MetricRef{{Name: "eventCount"}, {Name: "sessions"}, {Name: "newUsers"}},
		Ranges:     []report.DateRange{{Start: report.Day{Year: 2026, Month: 3, Day: 1}, End: report.Day{Year: 2026, Month: 3, Day: 9}}}}
	r, err := p.Answer(ctx, q)
	if err != nil {
		return err
	}
	if len(r.Rows) < m.acked || len(r.Rows) > m.sent {
		return fmt.Errorf("%d events are in the report, %d were acknowledged, %d sent", len(r.Rows), m.acked, m.sent)
	}
	for _, row := range r.Rows {
		if row.Metrics[0] != 1 || row.Metrics[1] != 1 {
			return fmt.Errorf("row %v: want one event of one session", row)
		}
	}
	l, err := p.Ledger(ctx, 1)
	if err != nil {
		return err
	}
	if !l.Balanced() || l.Stored != int64(len(r.Rows)) {
		return fmt.Errorf("ledger %+v does not balance with %d rows", l, len(r.Rows))
	}
	return nil
}
