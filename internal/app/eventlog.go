// The event log: which one is opened, and that it is the one whose offsets the data directory has.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/pebblelog"
)

// runningLog is a log as one process uses it.
type runningLog interface {
	eventlog.Log
	// Failed is closed when the log must be opened again; Err says why.
	Failed() <-chan struct{}
	Err() error
	// Identity names the log whose offsets these are.
	Identity() string
}

// logUse is what a process does with the log.
type logUse struct {
	// saves tells whose sums in Kafka this process saves; nil: all.
	saves func(event.Partition) bool
	// begin is where the partitions of a log in the data directory begin if it is made now.
	begin []event.Offset
}

// openEventLog opens the log that cfg chooses, and makes sure that it is the one whose offsets the
// state in the data directory has.
func openEventLog(ctx context.Context, cfg config.Config, use logUse, logger *slog.Logger, reg prometheus.Registerer) (log runningLog, err error) {
	if cfg.OnKafka() {
		for _, w := range cfg.KafkaLog().Warnings() {
			logger.Warn("eventlog.kafka: " + w)
		}
		log, err = openAs(kafkalog.Open(ctx, cfg.KafkaLog(), kafkalog.Deps{Logger: logger, Registerer: reg, Saves: use.saves}))
	} else {
		own := cfg.Pebble()
		own.Begin = use.begin
		log, err = openAs(pebblelog.Open(own, pebblelog.Deps{Logger: logger, Registerer: reg}))
	}
	if err != nil {
		return nil, err
	}
	if err := checkIdentity(cfg, log.Identity()); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return log, nil
}

// openAs keeps a nil *Log from becoming a log that is not nil.
func openAs[L runningLog](l L, err error) (runningLog, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

// identityFile names the event log that a data directory belongs to. A directory without one is older
// than it, and its log lies in it.
const identityFile = "eventlog"

func checkIdentity(cfg config.Config, identity string) error {
	path := filepath.Join(cfg.DataDir, identityFile)
	known, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(cfg.StateDir()); err == nil && cfg.OnKafka() {
			return fmt.Errorf("data directory %s holds the state of a log of its own, and eventlog.kafka names another: "+
				"take eventlog.kafka out, or name another data_dir", cfg.DataDir)
		}
		return writeIdentity(path, identity)
	case err != nil:
		return fmt.Errorf("read which event log the data directory belongs to: %w", err)
	case string(known) != identity+"\n":
		return fmt.Errorf("data directory %s belongs to the event log %q, and the configuration names %q: offsets of one say nothing in "+
			"the other. Name the first again, or another data_dir", cfg.DataDir, string(known[:max(0, len(known)-1)]), identity)
	}
	return nil
}

// writeIdentity makes the file durable before anything is folded.
func writeIdentity(path, identity string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write which event log the data directory belongs to: %w", err)
		}
	}()
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	_, err = f.WriteString(identity + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
