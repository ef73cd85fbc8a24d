// Saves and Owner: what is known of a partition between two saves.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/blob"
)

// Config is the operator's choice.
type Config struct {
	// Parallel is how many pieces are uploaded or fetched at once. Too few leave a
	// distant service waiting for one answer after the other; too many fight for the
	// same network card and disk.
	Parallel int
}

// DefaultConfig returns choices that suit a service in the same region.
func DefaultConfig() Config { return Config{Parallel: 8} }

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	if c.Parallel < 1 || c.Parallel > 256 {
		return fmt.Errorf("parallel is %d, must be 1 to 256", c.Parallel)
	}
	return nil
}

// Deps is the wiring.
type Deps struct {
	Store      blob.Store
	Registerer prometheus.Registerer // nil: no telemetry is shown
}

// Saves keeps the saved states of all partitions of an installation.
type Saves struct {
	cfg       Config
	store     blob.Store
	telemetry *telemetry
	// step is called before what changes the disk or the store. Tests end the work
	// there, as a crash would.
	step func(what string) error
}

// New returns the saves in a store. It does not ask the store anything: see
// blob.Probe.
func New(cfg Config, deps Deps) (*Saves, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open saved states: %w", err)
	}
	if deps.Store == nil {
		return nil, errors.New("open saved states: there is no object store")
	}
	t, err := newTelemetry(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("open saved states: %w", err)
	}
	return &Saves{cfg: cfg, store: deps.Store, telemetry: t, step: func(string) error { return nil }}, nil
}

// Owner saves the states of one partition under one epoch.
type Owner struct {
	saves     *Saves
	partition int
	epoch     uint64

	// base is what the next save builds on; nil until Fetch.
	base *base
	// Pieces that were uploaded for a save that did not come to its end, so that
	// trying again goes on.
	trying   name
	uploaded map[blob.Sum]bool
}

// base is a save of which the local files are known.
type base struct {
	name  name // zero: nothing was saved
	files map[string]known
}

// known is a file of which the pieces are in the store.
type known struct {
	info   fs.FileInfo // of the local file; nil if there is none
	pieces []piece
}

// ErrOrder: the caller uses an Owner in a way that contradicts the guarantees.
var ErrOrder = errors.New("saves must follow each other")

// Owner returns what saves and fetches for the owner of the partition. Of an
// epoch there must be one, in one process: intent.Registry.Acquire gives it.
func (s *Saves) Owner(partition int, epoch uint64) (*Owner, error) {
	if partition < 0 || epoch == 0 {
		return nil, fmt.Errorf("own partition %d under epoch %d: %w", partition, epoch, ErrOrder)
	}
	return &Owner{saves: s, partition: partition, epoch: epoch}, nil
}

// Verify looks whether all that the save needs is in the store, with the right
// size. It does not read pieces: Fetch does.
func (s *Saves) Verify(ctx context.Context, stateName string) error {
	n, err := parseName(stateName)
	if err != nil {
		return fmt.Errorf("verify state: %w", err)
	}
	inv, err := readInventory(ctx, s.store, n)
	if err != nil {
		return fmt.Errorf("verify state: %w", err)
	}
	there := map[string]int64{}
	for info, err := range s.store.List(ctx, piecePrefix(n.partition)) {
		if err != nil {
			return fmt.Errorf("verify state %s: %w", n, err)
		}
		there[info.Key] = info.Size
	}
	var missing []error
	for _, f := range inv.Files {
		for _, p := range f.Pieces {
			key, _, err := p.key(n.partition)
			if err != nil {
				return fmt.Errorf("verify state %s: %w", n, err)
			}
			if size, ok := there[key]; !ok {
				missing = append(missing, fmt.Errorf("%s of %s: %w", key, f.Name, blob.ErrNotFound))
			} else if size != p.Size {
				missing = append(missing, fmt.Errorf("%s of %s has %d bytes, not %d: %w", key, f.Name, size, p.Size, blob.ErrCorrupt))
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("verify state %s: %w", n, errors.Join(missing...))
	}
	return nil
}
