// Archiver: looks which final days the archive does not have as they are, and has them
// written.
package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/blob"
	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// ErrSourceIsOlder: the store has forgotten something that is archived already. It was
// restored from a backup, or made anew without its archive.
var ErrSourceIsOlder = errors.New("the store is older than its archive")

// errBehind: another archiver did something meanwhile, or the source changed. The next look finds out.
var errBehind = errors.New("the archive or the source was changed meanwhile")

// Deps is the wiring.
type Deps struct {
	Blobs      blob.Store
	Source     Source
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: telemetry is kept to itself
	Clock      func() time.Time
}

// Archiver writes the archive.
type Archiver struct {
	cfg    Config
	deps   Deps
	reader *Reader
	tel    *telemetry
	known  map[event.PropertyID]*known
}

// known is what an archiver remembers of a property.
type known struct {
	entries  []Entry
	isLoaded bool
	// done is the source's state as of which all is archived, if isDone.
	done   store.FinalState
	isDone bool
	behind int
}

// New returns an archiver.
func New(cfg Config, deps Deps) (*Archiver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	tel, err := newTelemetry(deps.Registerer)
	if err != nil {
		return nil, err
	}
	return &Archiver{cfg: cfg, deps: deps, reader: NewReader(deps.Blobs), tel: tel, known: map[event.PropertyID]*known{}}, nil
}

// Run archives until ctx is done.
func (a *Archiver) Run(ctx context.Context) error {
	tick := time.NewTicker(a.cfg.Interval)
	defer tick.Stop()
	for {
		if err := a.Round(ctx); err != nil && ctx.Err() == nil {
			a.deps.Logger.Error("archiving failed, it will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round makes the archive what the source is now (AR4). A property that fails does not keep others.
func (a *Archiver) Round(ctx context.Context) error {
	err := a.round(ctx)
	behind := 0
	for _, k := range a.known {
		behind += k.behind
	}
	a.tel.behind.Set(float64(behind))
	if err != nil && ctx.Err() == nil {
		a.tel.failures.Inc()
	}
	return err
}

func (a *Archiver) round(ctx context.Context) error {
	finals, err := a.deps.Source.Finals(ctx)
	if err != nil {
		return fmt.Errorf("find final days to archive: %w", err)
	}
	var errs []error
	for _, p := range slices.Sorted(maps.Keys(finals)) {
		final := finals[p]
		if k := a.known[p]; k != nil && k.isDone && k.done == final.FinalState {
			continue
		}
		if err := a.property(ctx, p, &final); err != nil {
			errs = append(errs, fmt.Errorf("archive property %s: %w", p, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// property archives one. What it remembers is dropped when something is not as it was told.
func (a *Archiver) property(ctx context.Context, p event.PropertyID, final *Final) error {
	for try := 0; ; try++ {
		err := a.look(ctx, p, final)
		if err == nil {
			return nil
		}
		if k := a.known[p]; k != nil { // it is loaded and swept again
			k.isLoaded, k.isDone = false, false
		}
		if !errors.Is(err, errBehind) || try == 2 {
			return err
		}
		finals, err := a.deps.Source.Finals(ctx)
		if err != nil {
			return fmt.Errorf("find final days: %w", err)
		}
		next, ok := finals[p]
		if !ok {
			return nil
		}
		final = &next
	}
}

// look compares and writes.
func (a *Archiver) look(ctx context.Context, p event.PropertyID, final *Final) (err error) {
	k := a.known[p]
	if k == nil {
		k = &known{}
		a.known[p] = k
	}
	if !k.isLoaded {
		if k.entries, err = a.sweep(ctx, p); err != nil {
			return err
		}
		k.isLoaded = true
	}
	name, err := a.deps.Source.Zone(ctx, p)
	if err != nil {
		return fmt.Errorf("ask for the time zone: %w", err)
	}
	zone, err := window.LoadZone(name)
	if err != nil {
		return err
	}
	export, err := a.deps.Source.Export(ctx, p)
	if err != nil {
		return err
	}
	defer export.Release()
	if state, ok := export.State(); !ok || state != final.FinalState {
		return errBehind
	}
	w := &work{Archiver: a, property: p, final: final, zone: zone, zoneName: name, export: export, known: k}
	if n := len(k.entries); n > 0 {
		k.behind = w.daysFrom(k.entries[n-1].To)
	}
	if err := w.run(ctx); err != nil {
		return err
	}
	k.done, k.isDone, k.behind = final.FinalState, true, 0
	return nil
}
