// Config and wiring of the processor.
package pipeline

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Config is the operator's choice.
type Config struct {
	// CheckpointEvents and CheckpointInterval: a checkpoint is made when either
	// is reached. Too few or too short: many small segments to merge. Too many
	// or too long: more memory (some 1.2 kB an event with its session, twice while a
	// checkpoint is written), and more to read again after a crash.
	CheckpointEvents   int           `yaml:"checkpoint_events"`
	CheckpointInterval time.Duration `yaml:"checkpoint_interval"`
	// Workers fold partitions side by side. Default: the number of processors.
	Workers int `yaml:"workers"`
	// LiveClients is how many clients stay in memory after a checkpoint. Too few:
	// reads of state for each returning client. Each takes some 2 kB.
	LiveClients int `yaml:"live_clients"`
	// LogRetention is how long folded records stay in the log, for replay. At
	// least 4 days and an hour: what a spool may still bring, and the horizon (S31).
	LogRetention time.Duration `yaml:"log_retention"`
	// RoundInterval is the least time between two small rounds of folding. Events
	// that come after a rest are visible at once; under load this is how long they
	// wait for company. Too short: each store append carries few rows, and costs
	// more than collecting them did. Too long: reports lag.
	RoundInterval time.Duration `yaml:"round_interval"`
	// UpkeepInterval is how often final days and compaction are looked for.
	UpkeepInterval time.Duration `yaml:"upkeep_interval"`
}

// DefaultConfig returns what serves most.
func DefaultConfig() Config {
	return Config{
		CheckpointEvents:   300_000,
		CheckpointInterval: time.Minute,
		Workers:            runtime.GOMAXPROCS(0),
		LiveClients:        150_000,
		LogRetention:       7 * 24 * time.Hour,
		RoundInterval:      100 * time.Millisecond,
		UpkeepInterval:     15 * time.Second,
	}
}

// MinLogRetention is S31: horizon, spool age, and a margin.
const MinLogRetention = 97 * time.Hour

// Validate says what is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.CheckpointEvents < 1 {
		errs = append(errs, fmt.Errorf("checkpoint_events is %d: it must be at least 1", c.CheckpointEvents))
	}
	if c.CheckpointInterval <= 0 {
		errs = append(errs, fmt.Errorf("checkpoint_interval is %v: it must be positive", c.CheckpointInterval))
	}
	if c.Workers < 1 {
		errs = append(errs, fmt.Errorf("workers is %d: it must be at least 1", c.Workers))
	}
	if c.LiveClients < 0 {
		errs = append(errs, fmt.Errorf("live_clients is %d: it must not be negative", c.LiveClients))
	}
	if c.LogRetention < MinLogRetention {
		errs = append(errs, fmt.Errorf("log_retention is %v: it must be at least %v, so that late events "+
			"find their sessions after a rebuild", c.LogRetention, MinLogRetention))
	}
	if c.RoundInterval < 0 || c.RoundInterval > time.Second {
		errs = append(errs, fmt.Errorf("round_interval is %v: it must be 0s to 1s", c.RoundInterval))
	}
	if c.UpkeepInterval <= 0 {
		errs = append(errs, fmt.Errorf("upkeep_interval is %v: it must be positive", c.UpkeepInterval))
	}
	return errors.Join(errs...)
}

// Deps is the wiring.
type Deps struct {
	Log        eventlog.Log
	State      state.State
	Store      store.Store
	Deriver    *enrich.Deriver
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Clock      func() time.Time
	// Generation of the log; a state of another one is refused.
	Generation uint64
	// Pressed, if set, tells that senders wait for the processor time that folding
	// takes: folding then steps back.
	Pressed func() bool
	// RowDays, if set, tells for how long properties keep rows (S30).
	RowDays RowDays
	// Step, if set, is called before each named step of a commit. Crash tests
	// stop there.
	Step func(name string)
}

func (d *Deps) step(name string) {
	if d.Step != nil {
		d.Step(name)
	}
}

// now is the ProcessTime.
func (d *Deps) now() event.Time { return event.TimeOf(d.Clock()) }
