// States: the states of the partitions that this node owns, in directories of its own, and saved in object storage
// after each batch.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"tidemark/internal/blob"
	"tidemark/internal/blob/dirblob"
	"tidemark/internal/blob/s3blob"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/state/remote"
)

// stateCache is for the blocks of the client records of one partition.
const stateCache = 8 << 20

// nodeStates implements owned.States.
type nodeStates struct {
	saves  *remote.Saves
	dir    string // a folder for each partition
	logger *slog.Logger
}

func (s *server) openStates(ctx context.Context) error {
	objects, err := openObjects(s.Config)
	if err != nil {
		return err
	}
	if err := blob.Probe(ctx, objects); err != nil {
		return err
	}
	saves, err := remote.New(s.Config.SavedStates(), remote.Deps{Store: objects, Registerer: s.telemetry})
	if err != nil {
		return err
	}
	s.roled.states = &nodeStates{saves: saves, dir: filepath.Join(s.Config.DataDir, "states"), logger: s.Logger}
	return nil
}

func openObjects(cfg config.Config) (blob.Store, error) {
	if cfg.OnS3() {
		return s3blob.Open(cfg.Bucket())
	}
	return dirblob.Open(cfg.ObjectDir())
}

// Owner implements owned.States.
func (n *nodeStates) Owner(p event.Partition, epoch uint64) (owned.OwnerStates, error) {
	o, err := n.saves.Owner(int(p), epoch)
	if err != nil {
		return nil, err
	}
	return &ownerStates{owner: o, root: filepath.Join(n.dir, strconv.Itoa(int(p))), logger: n.logger}, nil
}

// ownerStates are the states of one partition under one epoch.
type ownerStates struct {
	owner  *remote.Owner
	root   string
	logger *slog.Logger
}

// Open fetches what this node does not have, and opens it.
func (o *ownerStates) Open(ctx context.Context, name string) (state.State, error) {
	dir, stats, err := o.owner.Fetch(ctx, name, o.root)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrCorrupt):
		return nil, fmt.Errorf("%w: %w", state.ErrCorrupt, err) // no other try will mend it
	case err != nil:
		return nil, err
	}
	o.logger.Debug("state fetched", "state", name, "moved_bytes", stats.Moved, "reused_bytes", stats.Reused)
	s, err := pebblestate.Open(pebblestate.Config{Dir: dir, CacheBytes: stateCache, Portable: true}, pebblestate.Deps{Logger: o.logger})
	if err != nil {
		return nil, err
	}
	if err := remote.Clean(o.root, dir); err != nil {
		o.logger.Warn("former states take room", "error", err)
	}
	return s, nil
}

// Save makes a copy as of the last commit, which costs little, and saves that.
func (o *ownerStates) Save(ctx context.Context, name string, s state.State) (err error) {
	dir := o.root + ".copy"
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("copy state: %w", err)
	}
	if err := s.(*pebblestate.State).Copy(ctx, dir); err != nil {
		return err
	}
	_, err = o.owner.Save(ctx, name, dir)
	return errors.Join(err, os.RemoveAll(dir))
}

// Prune implements owned.OwnerStates.
func (o *ownerStates) Prune(ctx context.Context, done string) error {
	_, err := o.owner.Prune(ctx, done)
	return err
}
