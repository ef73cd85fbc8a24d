// The copy of a commit point: a state of its own, and links to the segments that it names.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/migrate"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store/duckstore"
)

// copiedCommit implements migrate.Commit.
type copiedCommit struct {
	*duckstore.Store
	clients *pebblestate.State
	meta    *state.Meta
}

// copyTries is how often a commit point is copied again because the store had merged a segment before it was linked.
const copyTries = 10

// Commit implements migrate.Origin.
func (o *socketOrigin) Commit(ctx context.Context) (_ migrate.Commit, err error) {
	dir := config.MigrationDir(o.cfg.DataDir)
	whole := filepath.Join(dir, "whole")
	_, err = os.Stat(whole)
	for try := 1; errors.Is(err, fs.ErrNotExist); try++ {
		err = o.makeCopy(ctx, dir)
		if err == nil {
			err = os.WriteFile(whole, nil, 0o600)
		} else if errors.Is(err, fs.ErrNotExist) && try == copyTries {
			return nil, fmt.Errorf("segments go faster than they can be linked: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("copy commit point: %w", err)
	}
	return o.openCopy(ctx, dir)
}

func (o *socketOrigin) makeCopy(ctx context.Context, dir string) (err error) {
	if _, err := o.ask(ctx, http.MethodPost, "/move/commit", nil); err != nil {
		return err
	}
	s, meta, err := openCopiedState(ctx, dir)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	links := filepath.Join(dir, "store")
	if err := errors.Join(os.RemoveAll(links), os.MkdirAll(links, 0o750)); err != nil {
		return err
	}
	for _, seg := range meta.Manifest.Segments {
		if err := os.Link(filepath.Join(o.cfg.StoreDir(), seg.File), filepath.Join(links, seg.File)); err != nil {
			return err
		}
	}
	return nil
}

func openCopiedState(ctx context.Context, dir string) (*pebblestate.State, *state.Meta, error) {
	s, err := pebblestate.Open(pebblestate.Config{Dir: filepath.Join(dir, "state"), CacheBytes: 16 << 20}, pebblestate.Deps{Logger: quietLogger()})
	if err != nil {
		return nil, nil, err
	}
	meta, err := s.Load(ctx)
	if err == nil && meta == nil {
		err = fmt.Errorf("nothing was ever committed: %w", migrate.ErrRefused)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, meta, nil
}

func (o *socketOrigin) openCopy(ctx context.Context, dir string) (migrate.Commit, error) {
	s, meta, err := openCopiedState(ctx, dir)
	if err != nil {
		return nil, err
	}
	cfg := o.cfg.Duck()
	cfg.Dir = filepath.Join(dir, "store")
	rows, err := duckstore.Open(cfg, meta.Manifest, duckstore.Deps{Logger: quietLogger()})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &copiedCommit{Store: rows, clients: s, meta: meta}, nil
}

// Meta implements migrate.Commit.
func (c *copiedCommit) Meta() *state.Meta { return c.meta }

// Close implements migrate.Commit.
func (c *copiedCommit) Close() error { return errors.Join(c.Store.Close(), c.clients.Close()) }

// Clients implements migrate.Commit.
func (c *copiedCommit) Clients(ctx context.Context, p event.Partition, yield func(key, value []byte) error) error {
	return c.clients.Clients(ctx, p, yield)
}

// quietLogger is for parts whose troubles come back as errors.
func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }
