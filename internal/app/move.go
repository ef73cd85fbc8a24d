// Moving an installation into a cluster: both sides, opened for package migrate.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"tidemark/internal/cli"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/intent/pgintent"
	"tidemark/internal/migrate"
	"tidemark/internal/migrate/pgnote"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/property/pgreg"
	"tidemark/internal/report"
	"tidemark/internal/state/remote"
	"tidemark/internal/store/clickstore"
)

// Migrate moves the installation of a data directory into the cluster that the configuration describes.
func Migrate(ctx context.Context, m cli.Migration) (err error) {
	if err := checkRoles([]string{roleCollector, roleProcessor, roleAPI}, m.Cluster); err != nil {
		return err
	}
	cfg := config.Default()
	cfg.DataDir = m.DataDir
	origin, err := openOrigin(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, origin.Close()) }()
	notes, err := pgnote.Open(ctx, m.Cluster.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, notes.Close()) }()
	t := &moveTarget{cfg: m.Cluster, logger: m.Logger, name: "move-" + origin.id[:8],
		imports: fmt.Sprintf("moved-%016x", xxh3.HashString(origin.id)), dir: filepath.Join(config.MigrationDir(m.DataDir), "states")}
	mover := migrate.New(migrate.DefaultConfig(), migrate.Deps{Origin: origin, Notes: notes, OpenTarget: t.open, Logger: m.Logger,
		Progress: m.Progress, Say: m.Say})
	if m.Abort {
		return mover.Abort(ctx)
	}
	return mover.Run(ctx, migrate.Order{Switch: m.Switch, Once: m.Once})
}

// moveTarget opens the cluster.
type moveTarget struct {
	cfg     config.Config
	logger  *slog.Logger
	name    string // as owner of partitions
	imports string // log name of the rows of the commit point
	dir     string // where states are made
	closers []func() error
}

func (t *moveTarget) later(close func() error) { t.closers = append(t.closers, close) }

// close ends what was opened, in reverse.
func (t *moveTarget) close() error {
	var errs []error
	for i := len(t.closers) - 1; i >= 0; i-- {
		errs = append(errs, t.closers[i]())
	}
	t.closers = nil
	return errors.Join(errs...)
}

// patientAppend is how long brokers may take for what is copied at once.
const patientAppend = 30 * time.Second

func (t *moveTarget) open(ctx context.Context, base []event.Offset, received []eventlog.Count) (_ *migrate.Target, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the cluster: %w", err), t.close())
		}
	}()
	cfg := t.cfg
	if have := cfg.KafkaLog().Partitions; have != len(base) {
		return nil, fmt.Errorf("eventlog.partitions is %d, and the installation has %d: %w", have, len(base), migrate.ErrRefused)
	}
	// Nobody waits for an answer here, and what is not known must be found out again.
	brokers := cfg.KafkaLog()
	brokers.AppendTimeout = max(brokers.AppendTimeout, patientAppend)
	brokers.CloseWait = max(brokers.CloseWait, patientAppend)
	err = kafkalog.BeginAt(ctx, brokers, kafkalog.Deps{Logger: t.logger}, base, received)
	if errors.Is(err, kafkalog.ErrNotEmpty) {
		return nil, fmt.Errorf("%w: %w; name another eventlog.kafka.topic", err, migrate.ErrRefused)
	}
	if err != nil {
		return nil, err
	}
	// Sums are for owners of partitions to save (K6).
	log, err := kafkalog.Open(ctx, brokers, kafkalog.Deps{Logger: t.logger, Saves: func(event.Partition) bool { return false }})
	if err != nil {
		return nil, err
	}
	t.later(log.Close)
	logName := logNameOf(log.Identity())
	rows, err := t.openStore(ctx, logName)
	if err != nil {
		return nil, err
	}
	imports, err := t.openStore(ctx, t.imports)
	if err != nil {
		return nil, err
	}
	intents, err := pgintent.Open(ctx, cfg.Database())
	if err != nil {
		return nil, err
	}
	t.later(intents.Close)
	registry, err := pgreg.Open(ctx, cfg.PostgresRegistry(), pgreg.Options{})
	if err != nil {
		return nil, err
	}
	t.later(registry.Close)
	objects, err := openObjects(cfg)
	if err != nil {
		return nil, err
	}
	saves, err := remote.New(cfg.SavedStates(), remote.Deps{Store: objects})
	if err != nil {
		return nil, err
	}
	reports, err := report.New(cfg.Report, report.Deps{Store: rows, Freshness: &owned.Freshness{Log: log, Store: rows, Clock: time.Now}})
	if err != nil {
		return nil, err
	}
	return &migrate.Target{Log: log, Store: rows, Imports: imports, ImportsName: t.imports, Intents: intents,
		States:   &nodeStates{saves: saves, dir: t.dir, logger: t.logger},
		Registry: registry, Owned: cfg.Owned(t.name, logName), Close: t.close,
		Reports: func(ctx context.Context, q *report.Query) (*report.Result, error) {
			results, err := reports.Run(ctx, []*report.Query{q})
			if err != nil {
				return nil, err
			}
			return results[0], nil
		}}, nil
}

func (t *moveTarget) openStore(ctx context.Context, logName string) (*clickstore.Store, error) {
	s, err := clickstore.Open(ctx, t.cfg.ClickStore(logName), clickstore.Deps{Logger: t.logger})
	if err == nil {
		t.later(s.Close)
	}
	return s, err
}

// logNameOf names a log to a store that installations share, in letters that a name may have.
func logNameOf(identity string) string { return fmt.Sprintf("%016x", xxh3.HashString(identity)) }
