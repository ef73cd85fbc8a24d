// Replay: the engine on a Product, with shadows below its directory.
package product

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/enrich"
	"tidemark/internal/replay"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// Replays returns an engine that replays p's final days. withLog derives anew what the
// log still holds.
func (p *Product) Replays(withLog bool) (*replay.Engine, error) {
	deps := replay.Deps{Store: p.Store, Processor: p.Processor, Deriver: enrich.NewDeriver(enrich.DefaultConfig()),
		OpenShadow: p.openShadow, Logger: slog.New(slog.DiscardHandler)}
	if withLog {
		deps.Log = p.Log
	}
	return replay.New(deps)
}

func (p *Product) openShadow() (*replay.Shadow, error) {
	quiet := slog.New(slog.DiscardHandler)
	dir, err := os.MkdirTemp(p.options.Dir, "replay")
	if err != nil {
		return nil, err
	}
	s := &replay.Shadow{Dir: filepath.Join(dir, "segments")}
	if p.options.OpenStore != nil {
		s.Store, err = p.options.OpenStore(store.Manifest{}) // on the same disk
	} else {
		cfg := duckstore.DefaultConfig()
		cfg.Dir = s.Dir
		var duck *duckstore.Store
		if duck, err = duckstore.Open(cfg, store.Manifest{}, duckstore.Deps{Logger: quiet}); err == nil {
			s.Store = duck
		}
	}
	if err != nil {
		return nil, err
	}
	st, err := pebblestate.Open(pebblestate.Config{Dir: "shadow", CacheBytes: 1 << 20},
		pebblestate.Deps{FS: vfs.NewMem(), Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, s.Store.Close())
	}
	s.State = st
	s.Close = func() error { return errors.Join(s.Store.Close(), st.Close(), os.RemoveAll(dir)) }
	return s, nil
}
