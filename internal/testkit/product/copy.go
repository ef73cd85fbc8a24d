// Copy: a commit point of a running Product, as a move into a cluster takes one.
package product

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"tidemark/internal/event"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store/duckstore"
)

// Copied is a commit point that does not change any more.
type Copied struct {
	*duckstore.Store
	clients *pebblestate.State
	meta    *state.Meta
}

// Copy makes a checkpoint and a copy of it below dir, which is on the disk of the segments. No upkeep may run.
func (p *Product) Copy(ctx context.Context, dir string) error {
	if err := p.Checkpoint(ctx); err != nil {
		return err
	}
	if err := p.state.Copy(ctx, p.options.copyDir(dir)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "store"), 0o750); err != nil {
		return err
	}
	for _, seg := range p.Processor.Manifest().Segments {
		if err := os.Link(filepath.Join(p.options.segmentsDir(), seg.File), filepath.Join(dir, "store", seg.File)); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) copyDir(dir string) string {
	if o.FS != nil {
		return filepath.Join("copies", filepath.Base(dir))
	}
	return filepath.Join(dir, "state")
}

// OpenCopy opens what Copy made.
func (p *Product) OpenCopy(ctx context.Context, dir string) (*Copied, error) {
	quiet := slog.New(slog.DiscardHandler)
	s, err := pebblestate.Open(pebblestate.Config{Dir: p.options.copyDir(dir), CacheBytes: 1 << 20}, pebblestate.Deps{FS: p.options.FS, Logger: quiet})
	if err != nil {
		return nil, err
	}
	meta, err := s.Load(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	cfg := duckstore.DefaultConfig()
	cfg.Dir = filepath.Join(dir, "store")
	rows, err := duckstore.Open(cfg, meta.Manifest, duckstore.Deps{Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Copied{Store: rows, clients: s, meta: meta}, nil
}

// Meta returns the state's Meta.
func (c *Copied) Meta() *state.Meta { return c.meta }

// Clients calls yield for each client record of a partition.
func (c *Copied) Clients(ctx context.Context, p event.Partition, yield func(key, value []byte) error) error {
	return c.clients.Clients(ctx, p, yield)
}

// Close closes the copy.
func (c *Copied) Close() error { return errors.Join(c.Store.Close(), c.clients.Close()) }
