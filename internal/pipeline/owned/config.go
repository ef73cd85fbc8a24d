// Config and wiring of the processor.
package owned

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/intent"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Config is the operator's choice.
type Config struct {
	// Node names this process among those that share the partitions.
	Node string
	// LogName is the Log of every store.BatchID.
	LogName string
	// BatchInterval is the least time between the beginnings of two small batches of a
	// partition. Too short: each costs the store, the intents and the states some calls.
	// Too long: reports lag.
	BatchInterval time.Duration
	// BatchRecords and BatchBytes bound a batch. It is in memory whole, several times.
	BatchRecords int
	BatchBytes   int
	// LiveClients is how many clients of each partition stay in memory. Each takes some 2 kB.
	LiveClients int
	// LogRetention is how long folded records stay in the log, for replay (S31).
	LogRetention time.Duration
	// PruneBatches is after how many batches former states are let go of.
	PruneBatches int
	// UpkeepInterval is how often the store is looked through for days that become final and what follows (S28 to S30).
	UpkeepInterval time.Duration
	// HandOver bounds how long Revoke waits for the batch under way.
	HandOver time.Duration
	// FencedPause is how long an owner that was fenced waits to be told that the partition is not its own, before
	// it takes it back. Too short: two nodes that both believe they own it fence each other.
	FencedPause time.Duration
	// Pause and MaxPause are between two tries of what failed.
	Pause, MaxPause time.Duration
}

// DefaultConfig returns what serves most. Node and LogName must be set.
func DefaultConfig() Config {
	return Config{
		BatchInterval:  time.Second,
		BatchRecords:   20_000,
		BatchBytes:     8 << 20,
		LiveClients:    20_000,
		LogRetention:   7 * 24 * time.Hour,
		PruneBatches:   30,
		UpkeepInterval: 15 * time.Second,
		HandOver:       10 * time.Second,
		FencedPause:    3 * time.Second,
		Pause:          100 * time.Millisecond,
		MaxPause:       5 * time.Second,
	}
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Node == "" {
		errs = append(errs, errors.New("node is empty: name this process, each another"))
	}
	if c.LogName == "" {
		errs = append(errs, errors.New("log name is empty"))
	}
	if c.BatchInterval < 0 || c.BatchInterval > time.Minute {
		errs = append(errs, fmt.Errorf("batch_interval is %v: it must be 0s to 1m", c.BatchInterval))
	}
	if c.BatchRecords < 1 || c.BatchBytes < 1 {
		errs = append(errs, fmt.Errorf("batch_records is %d and batch_bytes %d: both must be at least 1", c.BatchRecords, c.BatchBytes))
	}
	if c.PruneBatches < 1 {
		errs = append(errs, fmt.Errorf("prune_batches is %d: it must be at least 1", c.PruneBatches))
	}
	if c.LiveClients < 0 {
		errs = append(errs, fmt.Errorf("live_clients is %d: it must not be negative", c.LiveClients))
	}
	if c.UpkeepInterval <= 0 {
		errs = append(errs, fmt.Errorf("upkeep_interval is %v: it must be positive", c.UpkeepInterval))
	}
	if c.HandOver <= 0 || c.FencedPause < 0 || c.Pause <= 0 || c.MaxPause < c.Pause {
		errs = append(errs, fmt.Errorf("hand_over is %v, pause %v, max_pause %v: the first two must be positive, and the last not below the second",
			c.HandOver, c.Pause, c.MaxPause))
	}
	return errors.Join(errs...)
}

// States keeps the states of partitions where every node can get them.
type States interface {
	// Owner returns the states of p for who owns it under epoch.
	Owner(p event.Partition, epoch uint64) (OwnerStates, error)
}

// OwnerStates are the states of a partition, as one owner sees them. Save writes under names of
// the owner's epoch only.
type OwnerStates interface {
	// Open fetches the state that was saved under name, and opens it; with an empty name it begins
	// a new one. The caller closes it.
	Open(ctx context.Context, name string) (state.State, error)
	// Save keeps under name what s holds as of its last commit. s came from Open.
	Save(ctx context.Context, name string, s state.State) error
	// Prune lets go of what was saved before the done state, by whoever. It does no harm however late
	// it is called.
	Prune(ctx context.Context, done string) error
}

// Deps is the wiring.
type Deps struct {
	Log        eventlog.Log
	Intents    intent.Registry
	Store      store.Shared
	States     States
	Deriver    *enrich.Deriver
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Clock      func() time.Time
	// RowDays, if set, tells for how many local days properties keep rows; what it does not name is kept for
	// ever (S30).
	RowDays func(ctx context.Context) (map[event.PropertyID]int, error)
	// Step, if set, is called before each named step of a batch. Crash tests stop
	// there.
	Step func(p event.Partition, name string)
}
