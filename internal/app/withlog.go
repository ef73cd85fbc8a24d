// WithLog: the event log of a data directory, for commands that fill it while no
// server runs.
package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/simulate"
)

// patient is how long one who writes alone waits for a log that is busy with its files: there is
// no sender to be answered.
const patient = time.Hour

// WithLog opens the log, lets use have it, and closes it.
func WithLog(cfg config.Config, use func(simulate.Log) error) (err error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	lock, err := lockDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if cfg.OnKafka() {
		return errors.New("the event log is in Kafka: start the server and send to it, without --in-process")
	}
	lc := cfg.Pebble()
	lc.MaxQueueWait, lc.MaxCommitWait = patient, patient
	log, err := pebblelog.Open(lc, pebblelog.Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return use(log)
}
