// Machine: one computer with its disk, its clock and the product on it. It can be
// restarted, lose power, and come back with what its disk kept.
package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/collect"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/product"
)

// collectors are how many take requests.
const collectors = 2

type machine struct {
	w          *world
	clock      atomic.Int64 // event.Time
	partitions int
	live       int // clients in memory
	events     int // between checkpoints
	segments   *storetest.Disk

	// The life since the last start.
	*life
	product *product.Product
	takers  [collectors]*collecting
	starts  int
}

// collecting is one collector.
type collecting struct {
	collector *collect.Collector
	directory *collect.Directory
	handler   http.Handler
	dead      func() bool
}

func newMachine(w *world) *machine {
	m := &machine{w: w, segments: storetest.NewDisk(), partitions: 1 + w.rng.IntN(4),
		live:   []int{0, 3, 1000}[w.rng.IntN(3)],
		events: []int{7, 40, 1_000_000}[w.rng.IntN(3)]}
	m.clock.Store(w.traffic.Arrivals[0].IngestTime)
	m.life = &life{mem: vfs.NewCrashableMem(), dir: filepath.Join(w.options.Dir, "0")}
	return m
}

func (m *machine) now() event.Time { return event.Time(m.clock.Load()) }

func (m *machine) advance(by time.Duration) { m.clock.Add(by.Microseconds()) }

func (m *machine) advanceTo(t event.Time) { m.clock.Store(int64(max(t, m.now()))) }

func (m *machine) collector(i int) *collecting { return m.takers[i] }

// start boots on what the disk holds, again if power is cut meanwhile.
func (m *machine) start() error {
	for {
		m.life = &life{mem: m.mem, dir: m.dir, rng: rand.New(rand.NewPCG(m.w.rng.Uint64(), 1))}
		if m.starts++; m.starts > 1 && m.w.rng.IntN(4) == 0 {
			m.cutIn = 1 + m.w.rng.IntN(60)
		}
		if err := m.open(); err != nil {
			return err
		}
		m.disarm()
		if !m.dead() {
			return nil
		}
		m.w.note("power is cut while starting")
		if err := m.bury(); err != nil {
			return err
		}
	}
}

// open starts the product and its collectors.
func (m *machine) open() error {
	l := m.life
	var fs vfs.FS = l.mem
	if wrap := m.w.options.WrapFS; wrap != nil {
		fs = wrap(fs)
	}
	fs = reusing{errorfs.Wrap(fs, errorfs.InjectorFunc(l.operation))}
	o := product.Options{Dir: l.dir, FS: fs, Partitions: m.partitions, Step: func(string) { l.countdown() },
		WrapState: m.w.options.WrapState, DraftAfter: 1, // any report over young days asks for a draft
		WrapLog: func(log eventlog.Log) eventlog.Log { return forgetful{log, m.w.archive, l.dead} },
		WrapStore: func(s store.Store) store.Store {
			if wrap := m.w.options.WrapStore; wrap != nil {
				s = wrap(s)
			}
			return faultyStore{s, l}
		},
		Clock:  func() time.Time { return m.now().Std() },
		Adjust: func(c *pipeline.Config) { c.LiveClients, c.CheckpointEvents = m.live, m.events }}
	if m.w.options.Dir == "" {
		o.OpenStore = func(manifest store.Manifest) (store.Store, error) { return storetest.OpenMem(m.segments, manifest) }
	}
	var err error
	m.product = nil
	if m.product, err = product.Open(o); err != nil {
		return fmt.Errorf("open product: %w", err)
	}
	for i := range m.takers {
		if m.takers[i], err = m.collect(); err != nil {
			return fmt.Errorf("start collector: %w", err)
		}
	}
	return nil
}

func (m *machine) collect() (*collecting, error) {
	var log eventlog.Log = m.product.Log
	if wrap := m.w.options.WrapLog; wrap != nil {
		log = wrap(log)
	}
	quiet := slog.New(slog.DiscardHandler)
	clock := func() time.Time { return m.now().Std() }
	c := &collecting{dead: m.life.dead}
	c.directory = collect.NewDirectory(collect.DirectoryDeps{
		Registry: newRegistry(m.w.traffic.Properties), Log: log, Clock: clock, Logger: quiet})
	cfg := collect.DefaultConfig()
	cfg.TickInterval = 1 << 50 // ticks come when the simulation says so
	var err error
	c.collector, err = collect.New(cfg, collect.Deps{Log: log, Directory: c.directory, Salts: salts{}, Clock: clock, Logger: quiet})
	if err != nil {
		return nil, err
	}
	c.handler = c.collector.Handler()
	return c, nil
}

// stopCollectors ends what takes requests.
func (m *machine) stopCollectors() error {
	for _, c := range m.takers {
		if err := c.collector.Close(); err != nil {
			return err
		}
		if err := c.directory.Close(); err != nil {
			return err
		}
	}
	return nil
}

// restart stops in good order and starts again.
func (m *machine) restart() error {
	m.w.note("restart")
	if err := m.stopCollectors(); err != nil {
		return err
	}
	err := m.product.Close()
	switch {
	case m.dead():
		m.w.note("power is cut meanwhile")
		m.remains()
	case m.failed():
		m.w.note("a part fails meanwhile")
		m.remains()
	case err != nil:
		return fmt.Errorf("stop: %w", err)
	}
	m.rest()
	return m.start()
}

// outcome sees what became of a step: after a fault the machine is started again, without
// one every error is one.
func (m *machine) outcome(err error) error {
	if m.armed() {
		_ = m.catchUp(m.w.ctx) // whether the fault comes must not hang on who is faster
		m.disarm()
	}
	switch {
	case m.dead():
		m.w.note("power is cut")
	case m.failed():
		m.w.note("a part failed: %v", err)
	default:
		return err
	}
	if err := m.bury(); err != nil {
		return err
	}
	m.rest()
	return m.start()
}

// bury ends a process that is of no use any more. What it still says is of no interest.
func (m *machine) bury() error {
	if err := m.stopCollectors(); err != nil {
		return err
	}
	_ = m.product.Crash() // a ghost, or a process that has failed
	m.remains()
	return nil
}

// remains makes what the disk kept the disk. After a failed write it is open whether the
// system keeps what was not synced.
func (m *machine) remains() {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.kept
	if kept == nil && m.hasFailed {
		percent := []int{0, 50, 100, 100}[m.rng.IntN(4)]
		kept = m.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: m.rng})
	}
	if kept != nil {
		m.mem = kept
	}
	if m.keptDir != "" {
		m.dir = m.keptDir
	}
}

// rest is how long the machine is down.
func (m *machine) rest() {
	m.advance([]time.Duration{0, time.Second, 40 * time.Minute, 5 * time.Hour}[m.w.rng.IntN(4)])
}

// abandon ends everything at the end of a run.
func (m *machine) abandon() {
	if m.product == nil {
		return
	}
	_ = m.stopCollectors()
	_ = m.product.Crash() // whoever calls has what it wants to know
}

// append puts records into the log.
func (m *machine) append(ctx context.Context, records []*event.Record) error {
	return m.product.Append(ctx, records)
}

// tick moves the clock of every partition.
func (m *machine) tick(ctx context.Context) error {
	return m.append(ctx, []*event.Record{{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(m.now())}}}})
}

// catchUp waits until everything in the log is visible.
func (m *machine) catchUp(ctx context.Context) error { return m.product.Load(ctx, nil) }
