// Replay: the engine of the serving process, and where its shadows lie.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"tidemark/internal/config"
	"tidemark/internal/enrich"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// operator is the part of a server that the operator's socket reaches.
type operator struct {
	listener net.Listener
	http     *http.Server
	ctx      context.Context // of requests: done when the server stops
	stop     context.CancelFunc
	replays  *replay.Engine

	mu       sync.Mutex
	pending  *replay.Result // folded, neither applied nor discarded
	was, now property.Property
}

// shadowMemory bounds the rows of a shadow that are not in files yet.
const shadowMemory = 512 << 20

func (s *server) shadowDir() string { return filepath.Join(s.Config.DataDir, "replay") }

// openReplays makes the engine. What a replay left behind when the process ended is
// garbage.
func (s *server) openReplays() (err error) {
	if err := os.RemoveAll(s.shadowDir()); err != nil {
		return fmt.Errorf("delete shadow of an unfinished replay: %w", err)
	}
	s.operator.replays, err = replay.New(replay.Deps{Store: s.store, Processor: s.processor, Log: s.log,
		Deriver: enrich.NewDeriver(enrich.DefaultConfig()), OpenShadow: s.openShadow, Logger: s.Logger})
	return err
}

func (s *server) openShadow() (*replay.Shadow, error) {
	return openShadow(s.Config, s.shadowDir(), s.Logger)
}

// openShadow makes an empty one in dir, whatever is there.
func openShadow(c config.Config, dir string, logger *slog.Logger) (*replay.Shadow, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	cfg := c.Duck()
	cfg.Dir, cfg.MemoryLimit = filepath.Join(dir, "store"), shadowMemory
	rows, err := duckstore.Open(cfg, store.Manifest{}, duckstore.Deps{Logger: logger})
	if err != nil {
		return nil, err
	}
	clients, err := pebblestate.Open(pebblestate.Config{Dir: filepath.Join(dir, "state"), CacheBytes: 16 << 20},
		pebblestate.Deps{Logger: logger})
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return &replay.Shadow{State: clients, Store: rows, Dir: cfg.Dir, Close: func() error {
		return errors.Join(rows.Close(), clients.Close(), os.RemoveAll(dir))
	}}, nil
}
