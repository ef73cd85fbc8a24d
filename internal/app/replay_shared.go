// Replay in a cluster: a command of its own folds final days of ClickHouse again, in a scratch directory, and puts what it made
// in their place, while processors go on.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/collect"
	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/property"
	"tidemark/internal/property/pgreg"
	"tidemark/internal/replay"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/store/clickstore"
)

// sharedReplay is one under way. It is the processor that the engine asks.
type sharedReplay struct {
	serving  cli.Serving
	fresh    owned.Freshness
	dir      string
	registry property.Registry
	log      runningLog
	click    *clickstore.Store
	order    replay.Order
	was      store.Manifest // when rows were read
	through  event.Time
	shadow   *replay.Shadow
	progress func(string, float64)
}

var _ replay.Processor = (*sharedReplay)(nil)

// ReplayShared counts final days of a cluster again, and puts them in place if that is ordered.
func ReplayShared(ctx context.Context, serving cli.Serving, order cli.SharedReplay, progress func(string, float64)) (_ *cli.ReplayResult, err error) {
	cfg := serving.Config
	if err := checkRoles([]string{roleAPI}, cfg); err != nil {
		return nil, err
	}
	r := &sharedReplay{serving: serving, progress: progress}
	registry, err := pgreg.Open(ctx, cfg.PostgresRegistry(), pgreg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	r.registry = registry
	if r.order, err = orderOf(ctx, r.registry, order.ReplayOrder); err != nil {
		return nil, err
	}
	r.order.Progress = progress
	// What it would save of the log's sums is the processors' business.
	topic := cfg.KafkaLog()
	topic.CreateTopics = false
	r.log, err = openAs(kafkalog.Open(ctx, topic, kafkalog.Deps{Logger: serving.Logger, Saves: func(event.Partition) bool { return false }}))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	if r.click, err = clickstore.Open(ctx, cfg.ClickStore(logNameOf(r.log.Identity())), clickstore.Deps{Logger: serving.Logger}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.click.Close()) }()
	r.fresh = owned.Freshness{Log: r.log, Store: r.click, Clock: time.Now}
	if r.dir, err = os.MkdirTemp(order.Scratch, "tidemark-replay-"); err != nil {
		return nil, fmt.Errorf("make a directory for the replay, which --scratch places elsewhere: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	return r.run(ctx, order.Apply)
}

func (r *sharedReplay) run(ctx context.Context, apply bool) (_ *cli.ReplayResult, err error) {
	if err := r.learnClock(ctx); err != nil {
		return nil, err
	}
	rows, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	engine, err := replay.New(replay.Deps{Store: rows, Processor: r, Log: r.log, Deriver: enrich.NewDeriver(enrich.DefaultConfig()),
		OpenShadow: r.openShadow, Logger: r.serving.Logger})
	if err != nil {
		return nil, err
	}
	result, err := engine.Run(ctx, r.order)
	if err != nil {
		return nil, err
	}
	out := foundBy(result, r.order.Now.ID)
	if !apply {
		return out, result.Discard()
	}
	if err := result.Apply(ctx); err != nil {
		return nil, err
	}
	out.Applied = true
	return out, nil
}

func (r *sharedReplay) openShadow() (_ *replay.Shadow, err error) {
	r.shadow, err = openShadow(r.serving.Config, filepath.Join(r.dir, "shadow"), r.serving.Logger)
	return r.shadow, err
}

// Freshness implements replay.Processor.
func (r *sharedReplay) Freshness(ctx context.Context, id event.PropertyID) (ledger.Freshness, error) {
	return r.fresh.Freshness(ctx, id)
}

// Checkpoint implements replay.Processor: what counts in a cluster is durable.
func (r *sharedReplay) Checkpoint(context.Context) error { return nil }

// FinalThrough implements replay.Processor.
func (r *sharedReplay) FinalThrough() event.Time { return r.through }

// Restatements implements replay.Processor.
func (r *sharedReplay) Restatements(id event.PropertyID) (out []state.Restatement) {
	for _, s := range r.was.Restated[id] {
		out = append(out, state.Restatement{At: s.At, Why: s.Why, From: s.From, To: s.To})
	}
	return out
}

// learnClock asks how far the slowest partition is: rows that are read afterwards are complete up to there.
func (r *sharedReplay) learnClock(ctx context.Context) error {
	progress, err := r.click.Progress(ctx)
	if err != nil {
		return err
	}
	clocks := make([]event.Time, r.log.Partitions())
	for _, p := range progress {
		if int(p.Partition) < len(clocks) {
			clocks[p.Partition] = p.Clock
		}
	}
	slowest := clocks[0]
	for _, c := range clocks {
		slowest = min(slowest, c)
	}
	r.through = due.FinalThrough(slowest)
	return nil
}

// redefine makes changed settings hold from now on.
func (r *sharedReplay) redefine(ctx context.Context) error {
	directory := collect.NewDirectory(collect.DirectoryDeps{Registry: r.registry, Log: r.log, Logger: r.serving.Logger})
	return errors.Join(redefine(ctx, r.registry, directory, r.order.Was, r.order.Now), directory.Close())
}
