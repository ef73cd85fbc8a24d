// Product: the assembly.
package product

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/report"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// Options say how a Product is put together.
type Options struct {
	Dir string // of segments, and of everything else if FS is nil
	// FS holds log and state; nil: the disk, under Dir.
	FS         vfs.FS
	Partitions int // 0: 16
	// OpenStore opens the store instead of DuckDB, for tests of many small runs.
	OpenStore func(store.Manifest) (store.Store, error)
	// RowDays says for how long properties keep rows.
	RowDays map[event.PropertyID]int
	// Step is called before each step of a commit.
	Step func(name string)
	// suffix of the directories of state and segments: a rebuild makes others.
	suffix string
	// Clock is the processor's; time.Now if nil.
	Clock func() time.Time
	// Adjust changes the processor's configuration.
	Adjust func(*pipeline.Config)
	// DraftAfter is the store's, if it is DuckDB.
	DraftAfter time.Duration
	// WrapLog, WrapState and WrapStore put something between the processor and its parts.
	WrapLog   func(eventlog.Log) eventlog.Log
	WrapState func(state.State) state.State
	WrapStore func(store.Store) store.Store
}

// Product is a running pipeline.
type Product struct {
	Log       *pebblelog.Log
	Store     store.Store
	Processor *pipeline.Processor
	Engine    *report.Engine

	options Options
	state   *pebblestate.State
	cancel  context.CancelCauseFunc
	ended   chan error
}

// Open opens or reopens a Product on what Dir and FS hold.
func Open(o Options) (*Product, error) {
	quiet := slog.New(slog.DiscardHandler)
	p := &Product{options: o, ended: make(chan error, 1)}
	var err error
	if p.Log, err = o.openLog(quiet); err != nil {
		return nil, err
	}
	if p.state, err = o.openState(quiet); err != nil {
		return nil, errors.Join(err, p.Log.Close())
	}
	saved := wrapped(o.WrapState, state.State(p.state))
	meta, err := saved.Load(context.Background())
	if err == nil {
		err = p.run(wrapped(o.WrapLog, eventlog.Log(p.Log)), saved, meta, quiet)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func wrapped[T any](wrap func(T) T, part T) T {
	if wrap == nil {
		return part
	}
	return wrap(part)
}

// base is where log and state lie.
func (o Options) base() string {
	if o.FS != nil {
		return "data" // the same for every Dir, so that a clone of FS can be opened
	}
	return o.Dir
}

func (o Options) stateDir() string    { return filepath.Join(o.base(), "state"+o.suffix) }
func (o Options) segmentsDir() string { return filepath.Join(o.Dir, "segments"+o.suffix) }

func (o Options) openLog(quiet *slog.Logger) (*pebblelog.Log, error) {
	lc := pebblelog.DefaultConfig()
	lc.Dir, lc.Partitions, lc.MinFreeBytes = filepath.Join(o.base(), "log"), o.Partitions, 0
	lc.CacheBytes, lc.MemTableBytes = 1<<20, 1<<20
	if lc.Partitions == 0 {
		lc.Partitions = 16
	}
	return pebblelog.Open(lc, pebblelog.Deps{FS: o.FS, Logger: quiet})
}

func (o Options) openState(quiet *slog.Logger) (*pebblestate.State, error) {
	return pebblestate.Open(pebblestate.Config{Dir: o.stateDir(), CacheBytes: 1 << 20},
		pebblestate.Deps{FS: o.FS, Logger: quiet})
}

// run opens the store and folds log into it, from meta on.
func (p *Product) run(log eventlog.Log, clients state.State, meta *state.Meta, quiet *slog.Logger) error {
	o := p.options
	manifest := store.Manifest{}
	if meta != nil {
		manifest = meta.Manifest
	}
	if o.OpenStore == nil {
		o.OpenStore = func(m store.Manifest) (store.Store, error) { return openDuck(o.segmentsDir(), o.DraftAfter, m, quiet) }
	}
	var err error
	if p.Store, err = o.OpenStore(manifest); err != nil {
		return err
	}
	p.Store = wrapped(o.WrapStore, p.Store)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	cfg := pipeline.DefaultConfig()
	cfg.CheckpointInterval, cfg.UpkeepInterval = time.Hour, time.Hour // when the test says so
	cfg.RoundInterval = 0                                             // tests append little and want to see it now
	if o.Adjust != nil {
		o.Adjust(&cfg)
	}
	p.Processor, err = pipeline.New(cfg, meta, pipeline.Deps{
		Log: log, State: clients, Store: p.Store, Deriver: enrich.NewDeriver(enrich.DefaultConfig()),
		Logger: quiet, Clock: o.Clock, Step: o.Step,
		RowDays: func(context.Context) (map[event.PropertyID]int, error) { return o.RowDays, nil },
	})
	if err != nil {
		return err
	}
	p.Engine, err = report.New(report.DefaultConfig(), report.Deps{Store: p.Store, Freshness: p.Processor})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	p.cancel = cancel
	go func() { p.ended <- p.Processor.Run(ctx) }()
	return nil
}

func openDuck(dir string, draftAfter time.Duration, m store.Manifest, quiet *slog.Logger) (store.Store, error) {
	cfg := duckstore.DefaultConfig()
	cfg.Dir, cfg.DraftAfter = dir, draftAfter // 0: the default
	s, err := duckstore.Open(cfg, m, duckstore.Deps{Logger: quiet})
	if err != nil {
		return nil, err // not a typed nil
	}
	return s, nil
}

// Load appends records and waits until they are visible. Events go to the
// partition of their client, Definitions and Ticks to every partition.
func (p *Product) Load(ctx context.Context, records []*event.Record) error {
	if err := p.Append(ctx, records); err != nil {
		return err
	}
	return p.watch(ctx, p.Processor.WaitVisible)
}

// watch waits for f, or for the end of the processor.
func (p *Product) watch(ctx context.Context, f func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case err := <-p.ended:
		p.ended <- err
		stop()
		<-done // it may be at work on what is closed next
		return fmt.Errorf("processor ended: %w", err)
	}
}

// Append appends records in one batch, with their counts.
func (p *Product) Append(ctx context.Context, records []*event.Record) error {
	batch, err := BatchOf(records, p.Log.Partitions())
	if err != nil {
		return err
	}
	return p.Log.Append(ctx, batch)
}

// BatchOf encodes records for a log of n partitions.
func BatchOf(records []*event.Record, n int) (*eventlog.Batch, error) {
	batch := &eventlog.Batch{}
	for _, r := range records {
		b, err := r.MarshalVT()
		if err != nil {
			return nil, err
		}
		e := r.GetEvent()
		if erasure := r.GetErasure(); erasure != nil {
			batch.Records = append(batch.Records, eventlog.Record{Payload: b,
				Partition: event.PartitionOf(event.PropertyID(erasure.Property), erasure.ClientId, n)})
			continue
		}
		if e == nil {
			for part := range n {
				batch.Records = append(batch.Records, eventlog.Record{Partition: event.Partition(part), Payload: b})
			}
			continue
		}
		id := event.PropertyID(e.Property)
		batch.Records = append(batch.Records, eventlog.Record{
			Partition: event.PartitionOf(id, e.ClientId, n), Payload: b})
		batch.Counts = append(batch.Counts, eventlog.Count{Property: id, N: 1})
	}
	return batch, nil
}

// Checkpoint makes one now.
func (p *Product) Checkpoint(ctx context.Context) error { return p.watch(ctx, p.Processor.Checkpoint) }

// Settle makes a checkpoint and final what can be.
func (p *Product) Settle(ctx context.Context) error {
	if err := p.Checkpoint(ctx); err != nil {
		return err
	}
	return p.watch(ctx, p.Processor.Upkeep)
}

// Answer answers one query.
func (p *Product) Answer(ctx context.Context, q *report.Query) (*report.Result, error) {
	results, err := p.Engine.Run(ctx, []*report.Query{q})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// Ledger returns the account of a property.
func (p *Product) Ledger(ctx context.Context, id event.PropertyID) (ledger.Ledger, error) {
	return p.Processor.Ledger(ctx, id)
}

// Close stops after a last checkpoint.
func (p *Product) Close() error {
	p.cancel(context.Canceled)
	return errors.Join(<-p.ended, p.close())
}

// Crash stops without one: heads and what was not synced are gone.
func (p *Product) Crash() error {
	p.cancel(pipeline.ErrAbort)
	err := <-p.ended
	return errors.Join(err, p.close())
}

func (p *Product) close() error {
	var errs []error
	if p.Store != nil {
		errs = append(errs, p.Store.Close())
	}
	return errors.Join(append(errs, p.state.Close(), p.Log.Close())...)
}
