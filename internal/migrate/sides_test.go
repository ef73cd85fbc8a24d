// The two sides of a move in one process: an installation with its real log, fold, state and store, and a cluster of
// contracts in memory.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/intent/memintent"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/product"
)

const testPartitions = 3

// origin is the installation. Its process is never killed here: what that does is shown by the tests of the real binary.
type origin struct {
	product    *product.Product
	dir        string
	stage      Stage
	copied     bool
	commit     *product.Copied // opened once: what it holds does not change
	properties []property.Property
}

func newOrigin(t testing.TB, dir string) *origin {
	t.Helper()
	p, err := product.Open(product.Options{Dir: dir, FS: vfs.NewMem(), Partitions: testPartitions})
	if err != nil {
		t.Fatal(err)
	}
	return &origin{product: p, dir: filepath.Join(dir, "copy"), stage: Taking}
}

func (o *origin) Status(context.Context) (Status, error) {
	s := Status{ID: "move", Stage: o.stage}
	for p := range testPartitions {
		s.Ends = append(s.Ends, o.product.Log.End(event.Partition(p)))
	}
	return s, nil
}

func (o *origin) Commit(ctx context.Context) (Commit, error) {
	if !o.copied {
		if err := o.product.Copy(ctx, o.dir); err != nil {
			return nil, err
		}
		o.copied = true
	}
	if o.commit == nil {
		var err error
		if o.commit, err = o.product.OpenCopy(ctx, o.dir); err != nil {
			return nil, err
		}
	}
	return keptOpen{o.commit}, nil
}

// keptOpen is a commit point that others go on with.
type keptOpen struct{ *product.Copied }

func (keptOpen) Close() error { return nil }

func (o *origin) close() error {
	var err error
	if o.commit != nil {
		err = o.commit.Close()
	}
	return errors.Join(err, o.product.Close())
}

func (o *origin) Read(ctx context.Context, p event.Partition, from event.Offset, maxBytes int) ([]eventlog.Entry, error) {
	return o.product.Log.Read(ctx, p, from, maxBytes, nil)
}

func (o *origin) Wait(context.Context, []event.Offset) error { return errors.New("nobody waits here") }

func (o *origin) Counts(ctx context.Context) ([]eventlog.Count, error) {
	return o.product.Log.Counts(ctx)
}

func (o *origin) Registry(context.Context) (*property.Snapshot, error) {
	return &property.Snapshot{Properties: o.properties}, nil
}

func (o *origin) Report(ctx context.Context, q *report.Query) (*report.Result, error) {
	return o.product.Answer(ctx, q)
}

func (o *origin) Stop(ctx context.Context) error {
	o.stage = Stopped
	return o.product.Processor.WaitVisible(ctx)
}

func (o *origin) Resume(context.Context) error { o.stage = Taking; return nil }
func (o *origin) Leave(context.Context) error  { o.stage = Gone; return nil }
func (o *origin) Forget(context.Context) error { o.copied = false; return nil }

// cluster is what outlives the moving process.
type cluster struct {
	t        testing.TB
	base     []event.Offset
	log      *memlog.Log
	appends  *flakyLog
	rows     *storetest.SharedRows
	intents  *memintent.Storage
	states   *keptStates
	note     Note
	noted    bool
	registry property.Snapshot
	folds    *owned.Processor
}

func newCluster(t testing.TB, rng *rand.Rand) *cluster {
	return &cluster{t: t, rows: storetest.NewSharedRows(), intents: memintent.NewStorage(), states: &keptStates{named: map[string]keptState{}},
		appends: &flakyLog{rng: rng}}
}

func (c *cluster) Note(context.Context) (Note, bool, error) { return c.note, c.noted, nil }

// Write starts the processors once there is something to go on from.
func (c *cluster) Write(_ context.Context, n Note) error {
	c.note, c.noted = n, true
	if n.Stage == Following && c.folds == nil {
		cfg := c.config()
		cfg.Node = "processor"
		var err error
		c.folds, err = owned.New(cfg, owned.Deps{Log: c.log, Intents: c.intents.Open(), Store: storetest.NewMemShared(c.rows, "log", nil), States: c.states,
			Deriver: enrich.NewDeriver(enrich.DefaultConfig()), Logger: slog.New(slog.DiscardHandler), Clock: time.Now})
		if err != nil {
			return err
		}
		for p := range testPartitions {
			c.folds.Assign([]event.Partition{event.Partition(p)})
		}
	}
	return nil
}

func (c *cluster) close() {
	if c.folds != nil {
		if err := c.folds.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *cluster) config() owned.Config {
	cfg := owned.DefaultConfig()
	cfg.Node, cfg.LogName, cfg.BatchInterval, cfg.FencedPause, cfg.BatchRecords = "mover", "log", 0, time.Millisecond, 7
	return cfg
}

func (c *cluster) open(_ context.Context, base []event.Offset, received []eventlog.Count) (*Target, error) {
	if c.log == nil {
		c.base, c.log = slices.Clone(base), memlog.New(memlog.Config{Partitions: testPartitions, Base: base, Received: received})
		c.appends.Log = c.log
	}
	if !slices.Equal(base, c.base) {
		return nil, fmt.Errorf("the log begins at %v, not at %v: %w", c.base, base, ErrRefused)
	}
	rows := storetest.NewMemShared(c.rows, "log", nil)
	reports, err := report.New(report.DefaultConfig(), report.Deps{Store: rows, Freshness: &owned.Freshness{Log: c.log, Store: rows, Clock: time.Now}})
	if err != nil {
		return nil, err
	}
	return &Target{Log: c.appends, Store: rows, Imports: storetest.NewMemShared(c.rows, "moved", nil), ImportsName: "moved",
		Intents: c.intents.Open(), States: c.states, Registry: c, Owned: c.config(), Close: func() error { return nil },
		Reports: func(ctx context.Context, q *report.Query) (*report.Result, error) {
			results, err := reports.Run(ctx, []*report.Query{q})
			if err != nil {
				return nil, err
			}
			return results[0], nil
		}}, nil
}

// Export implements property.Importer.
func (c *cluster) Export(context.Context) (*property.Snapshot, error) { return &c.registry, nil }

// Import implements property.Importer.
func (c *cluster) Import(_ context.Context, s *property.Snapshot) error { c.registry = *s; return nil }

// flakyLog takes a first part of some appends, or all of it, and says that it does not know.
type flakyLog struct {
	*memlog.Log
	rng  *rand.Rand
	rate float64
}

func (l *flakyLog) Append(ctx context.Context, b *eventlog.Batch) error {
	if l.rng.Float64() >= l.rate {
		return l.Log.Append(ctx, b)
	}
	k := l.rng.IntN(len(b.Records) + 1)
	part := &eventlog.Batch{Records: b.Records[:k]}
	for _, count := range b.Counts {
		if count.Record <= k && (count.Record > 0 || k == len(b.Records)) {
			part.Counts = append(part.Counts, count)
		}
	}
	if err := l.Log.Append(ctx, part); err != nil {
		return err
	}
	return fmt.Errorf("append: %w", eventlog.ErrUnknown)
}
