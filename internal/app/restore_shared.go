// Restore into a cluster's store: archived days go into ClickHouse, under a term of upkeep that the command takes, while
// no processor runs. What was young comes back by refold.go.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/internal/archive"
	"tidemark/internal/cli"
	"tidemark/internal/event"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/intent/pgintent"
	"tidemark/internal/node"
	"tidemark/internal/node/pgnode"
	"tidemark/internal/node/watch"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/store"
	"tidemark/internal/store/clickstore"
)

// restorer is the name under which the command owns the partition of the store's keeper.
const restorer = "archive restore"

// sharedRestore is one under way.
type sharedRestore struct {
	serving cli.Serving
	reader  *archive.Reader // nil: there is no archive
	log     runningLog
	click   *clickstore.Store
	intents *pgintent.Registry
	result  cli.Rebuilt
}

// RestoreShared puts archived days into a cluster's store that has lost all its rows, and has the partitions begin again where the
// topic does, while no processor runs.
func RestoreShared(ctx context.Context, serving cli.Serving, order cli.RestoreOrder, progress func(string, float64)) (_ cli.Rebuilt, err error) {
	cfg := serving.Config
	r := &sharedRestore{serving: serving}
	roles := []string{roleProcessor}
	if cfg.HasArchive() || !order.Anyway {
		roles = append(roles, roleArchive)
	}
	if err := checkRoles(roles, cfg); err != nil {
		return r.result, err
	}
	if cfg.HasArchive() {
		if r.reader, err = OpenArchive(cfg); err != nil {
			return r.result, err
		}
	}
	if err := r.checkStopped(ctx); err != nil {
		return r.result, err
	}
	// What it would save of the log's sums is the processors' business.
	topic := cfg.KafkaLog()
	topic.CreateTopics = false // an empty one is no log of these rows
	r.log, err = openAs(kafkalog.Open(ctx, topic, kafkalog.Deps{Logger: serving.Logger, Saves: func(event.Partition) bool { return false }}))
	if err != nil {
		return r.result, err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	if r.click, err = clickstore.Open(ctx, cfg.ClickStore(logNameOf(r.log.Identity())), clickstore.Deps{Logger: serving.Logger}); err != nil {
		return r.result, err
	}
	defer func() { err = errors.Join(err, r.click.Close()) }()
	if r.intents, err = pgintent.Open(ctx, cfg.Database()); err != nil {
		return r.result, err
	}
	defer func() { err = errors.Join(err, r.intents.Close()) }()
	days, err := r.missing(ctx, order)
	if err != nil {
		return r.result, err
	}
	if err := r.notLost(owned.CheckLost(ctx, owned.Deps{Intents: r.intents, Store: r.click})); err != nil {
		return r.result, err
	}
	if err := r.restore(ctx, days, progress); err != nil {
		return r.result, err
	}
	return r.result, r.refold(ctx, progress)
}

// checkStopped refuses while a processor runs: it keeps the store, and would make days final that are about to come.
func (r *sharedRestore) checkStopped(ctx context.Context) (err error) {
	nodes, err := pgnode.Open(ctx, r.serving.Config.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.Close()) }()
	before, err := processors(ctx, nodes)
	if err != nil || len(before) == 0 {
		return err
	}
	// The lease of a process that was killed is there for a while, and stands still.
	timer := time.NewTimer(3 * watch.RenewInterval)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := processors(ctx, nodes)
	if err != nil {
		return err
	}
	var running []string
	for id, lease := range after {
		if was, ok := before[id]; !ok || was.Incarnation != lease.Incarnation || was.Renewals != lease.Renewals {
			running = append(running, id)
		}
	}
	if len(running) > 0 {
		slices.Sort(running)
		return fmt.Errorf("processors are running: %s. Stop them first: they keep the store, and nothing may become final before what is "+
			"restored", strings.Join(running, ", "))
	}
	return nil
}

func processors(ctx context.Context, nodes *pgnode.Registry) (map[string]node.Lease, error) {
	all, err := nodes.Leases(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]node.Lease{}
	for _, lease := range all {
		if lease.Has(roleProcessor) {
			out[lease.ID] = lease
		}
	}
	return out, nil
}

// missing returns what the store does not have. A restore that was interrupted goes on behind the properties that
// are there as a whole; any other that has final days is refused before anything changes.
func (r *sharedRestore) missing(ctx context.Context, order cli.RestoreOrder) (missing []*archive.Restorable, err error) {
	if r.reader == nil {
		return nil, nil
	}
	ids, err := archivedProperties(ctx, r.reader, order)
	if err != nil {
		return nil, err
	}
	manifest, err := r.click.Finals(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		days, err := r.reader.Restorable(ctx, id, archive.Selection{From: order.From, To: order.To})
		if err != nil {
			return nil, err
		}
		until, isFinal := manifest.FinalUntil[id]
		there := isFinal && until == days.Until
		if there {
			if there, err = r.has(ctx, days); err != nil {
				return nil, err
			}
		}
		switch {
		case days.Until == 0: // nothing is archived
		case !isFinal:
			missing = append(missing, days)
		case !there:
			return nil, fmt.Errorf("property %s: %w, until %v, and the archive has others: a restore is for a store that lost them. "+
				"Make its database anew first, or name other properties with --property", id, store.ErrHasFinal, until)
		default:
			r.result.Present++
		}
	}
	return missing, nil
}

// has tells whether the store has as many rows as the archive.
func (r *sharedRestore) has(ctx context.Context, days *archive.Restorable) (bool, error) {
	e, err := r.click.Export(ctx, days.Property)
	if err != nil {
		return false, err
	}
	defer e.Release()
	want := map[store.Table]int64{}
	for _, f := range days.Files {
		want[f.Table] += f.Rows
	}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		if n, err := e.Count(ctx, t, math.MinInt64, days.Until); err != nil || n != want[t] {
			return false, err
		}
	}
	return true, nil
}

// restore takes the store over, as a processor does that takes over its partition, and puts one property after the other back.
func (r *sharedRestore) restore(ctx context.Context, all []*archive.Restorable, progress func(string, float64)) (err error) {
	if len(all) == 0 {
		return nil
	}
	// Whoever kept the store is over with this, and whoever takes the partition next ends us.
	if r.result.Term, err = r.intents.Acquire(ctx, 0, restorer); err != nil {
		return err
	}
	keeper, err := r.click.Keep(ctx, r.result.Term)
	if err != nil {
		return fmt.Errorf("take the store over in term %d: %w", r.result.Term, err)
	}
	check := &numberCheck{log: r.log, name: "topic " + r.serving.Config.KafkaLog().Topic, mend: "Name theirs in eventlog.kafka.topic"}
	var rows, done int64
	for _, days := range all {
		rows += rowsIn(days.Files)
	}
	for _, days := range all {
		// Larger than any that is archived: the archiver goes on from there.
		order := &store.Restoration{Property: days.Property, Until: days.Until, Version: days.Version + 1}
		for _, f := range days.Files {
			order.Files = append(order.Files, store.RestoredFile{Table: f.Table, Rows: f.Rows, Copy: func(ctx context.Context, to io.Writer) error {
				progress("restoring", float64(done)/float64(max(rows, 1)))
				done += f.Rows
				return r.reader.Copy(ctx, f, to)
			}})
		}
		err := keeper.(store.Restorer).Restore(ctx, order, func(from []store.RowsFrom) error { return check.run(ctx, from) })
		if errors.Is(err, store.ErrTermOver) {
			return fmt.Errorf("a processor, or another restore, started meanwhile and keeps the store now. Stop it and run this again: "+
				"no day of property %s was restored: %w", days.Property, err)
		}
		if err != nil {
			return err
		}
		r.result.RestoredDays += days.Days
	}
	return nil
}

func rowsIn(files []archive.File) (n int64) {
	for _, f := range files {
		n += f.Rows
	}
	return n
}
