// Shadow: archived events go through the fold into a store beside the real one, a
// day at a time, and each day becomes final as soon as nothing can change it.
package replay

import (
	"context"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// Portions. Smaller ones cost more per event, larger ones memory.
const (
	flushEvery      = 2_000   // events between two appends
	checkpointEvery = 100_000 // events between two checkpoints
	clientsPerWrite = 100_000
	liveClients     = 50_000
)

// folding is one replay's way through the archive.
type folding struct {
	engine  *Engine
	order   Order
	archive store.Archive
	shadow  *Shadow
	days    span
	logged  *loggedEvents

	fold     *fold.Fold
	batch    store.Batch
	manifest store.Manifest
	window   int
	since    int // events since the last checkpoint
	done     int64
	total    int64

	derived, kept int64
}

func newFolding(e *Engine, o Order, archive store.Archive, shadow *Shadow, days span) *folding {
	f := &folding{engine: e, order: o, archive: archive, shadow: shadow, days: days, window: -1,
		logged: newLoggedEvents(e.deps.Log)}
	f.fold = fold.New(0, shadowClients{shadow.State}, e.deps.Deriver)
	f.manifest = store.Manifest{DayVersion: map[event.PropertyID]uint64{},
		FinalUntil: map[event.PropertyID]event.Time{o.Now.ID: days.from}}
	return f
}

type shadowClients struct{ state state.State }

func (s shadowClients) Client(key []byte) ([]byte, error) { return s.state.Client(0, key) }

func (f *folding) run(ctx context.Context) error {
	if err := f.fold.Define(f.order.Now.Definition(0).GetDefinition()); err != nil {
		return err
	}
	if err := f.shadow.Store.Install(ctx, f.manifest); err != nil {
		return err
	}
	if err := f.seed(ctx); err != nil {
		return err
	}
	r := store.ArchiveRange{SessionsFrom: f.days.starts[0], Windows: f.days.starts}
	var err error
	if f.total, err = f.archive.Count(ctx, r); err != nil {
		return err
	}
	err = f.archive.Events(ctx, r, func(w int, e *store.ArchivedEvent) error { return f.add(ctx, w, e) })
	if err != nil {
		return err
	}
	if err := f.checkpoint(ctx); err != nil {
		return err
	}
	return f.finalize(ctx, f.days.to)
}

// seed gives the shadow what clients were before the days that are folded.
func (f *folding) seed(ctx context.Context) error {
	var commit state.Commit
	n := 0
	finish := func() error {
		if commit == nil {
			return nil
		}
		defer commit.Abandon()
		c := commit
		commit = nil
		return c.Finish(ctx, &state.Meta{Manifest: f.manifest})
	}
	err := f.archive.Clients(ctx, f.days.starts[0], func(c *store.ArchivedClient) error {
		key, value, err := fold.ArchivedRecord(f.order.Now.ID, c)
		if err != nil {
			return err
		}
		if commit == nil {
			commit = f.shadow.State.Begin()
		}
		if err := commit.Client(0, key, value); err != nil {
			return err
		}
		if n++; n%clientsPerWrite == 0 {
			return finish()
		}
		return nil
	})
	if err != nil {
		if commit != nil {
			commit.Abandon()
		}
		return err
	}
	return finish()
}

func (f *folding) add(ctx context.Context, w int, e *store.ArchivedEvent) error {
	if w != f.window {
		if err := f.nextDay(ctx, w); err != nil {
			return err
		}
	}
	logged, err := f.logged.find(ctx, e)
	if err != nil {
		return err
	}
	if logged != nil {
		f.derived++
	} else {
		f.kept++
	}
	if err := f.fold.ApplyArchived(e, logged, &f.batch); err != nil {
		return err
	}
	f.done++
	f.since++
	if f.since%flushEvery == 0 {
		f.order.Progress("folding", float64(f.done)/float64(max(f.total, f.done)))
		if err := f.flush(ctx); err != nil {
			return err
		}
	}
	if f.since >= checkpointEvery {
		return f.checkpoint(ctx)
	}
	return ctx.Err()
}

// nextDay ends the days before the window.
func (f *folding) nextDay(ctx context.Context, w int) error {
	if err := f.flush(ctx); err != nil {
		return err
	}
	f.window = w
	f.fold.Advance(f.days.starts[w])
	// No session that began before `past` can take an event of this day (S12).
	past := f.days.starts[max(0, w-window.MaxSessionDays-1)]
	if past <= f.days.from {
		return nil
	}
	if err := f.checkpoint(ctx); err != nil {
		return err
	}
	return f.finalize(ctx, min(past, f.days.to))
}

func (f *folding) flush(ctx context.Context) error {
	f.fold.Flush(&f.batch)
	if len(f.batch.Events)+len(f.batch.Sessions)+len(f.batch.Aliases) == 0 {
		return nil
	}
	if err := f.shadow.Store.Append(ctx, &f.batch); err != nil {
		return fmt.Errorf("append rows to shadow: %w", err)
	}
	f.batch.Reset()
	return nil
}

// checkpoint moves rows from memory to segments and clients to the shadow's state.
func (f *folding) checkpoint(ctx context.Context) error {
	if err := f.flush(ctx); err != nil {
		return err
	}
	if f.since == 0 {
		return nil
	}
	f.since = 0
	frozen, err := f.fold.Freeze()
	if err != nil {
		return err
	}
	head, err := f.shadow.Store.Seal(ctx)
	if err != nil {
		return err
	}
	segments, err := f.shadow.Store.WriteSegments(ctx, head)
	if err != nil {
		return err
	}
	f.manifest.Segments = append(slices.Clone(f.manifest.Segments), segments...)
	commit := f.shadow.State.Begin()
	defer commit.Abandon()
	if err := frozen.Encode(func(key, value []byte) error { return commit.Client(0, key, value) }); err != nil {
		return err
	}
	if err := commit.Finish(ctx, &state.Meta{Manifest: f.manifest}); err != nil {
		return err
	}
	frozen.Thaw(liveClients)
	if err := f.shadow.Store.Install(ctx, f.manifest, head); err != nil {
		return err
	}
	return f.compact(ctx)
}

func (f *folding) compact(ctx context.Context) error {
	for {
		change, err := f.shadow.Store.Compact(ctx, f.manifest)
		if err != nil || change == nil {
			return err
		}
		if err := f.install(ctx, change); err != nil {
			return err
		}
	}
}

func (f *folding) install(ctx context.Context, change *store.Change) error {
	f.manifest.Segments = change.Apply(f.manifest.Segments)
	return f.shadow.Store.Install(ctx, f.manifest)
}

// finalize makes days before `until` final, day by day, as far as no session that began
// on them can still grow (S28).
func (f *folding) finalize(ctx context.Context, until event.Time) error {
	id := f.order.Now.ID
	through := f.engine.deps.Processor.FinalThrough()
	open, err := f.shadow.Store.OpenSessions(ctx, f.manifest, through)
	if err != nil {
		return err
	}
	if o := open[id]; o.EarliestStart != 0 {
		until = min(until, o.EarliestStart)
	}
	for _, next := range f.days.starts {
		if next <= f.manifest.FinalUntil[id] || next > until {
			continue
		}
		change, err := f.shadow.Store.Finalize(ctx, f.manifest, map[event.PropertyID]event.Time{id: next})
		if err != nil {
			return fmt.Errorf("make days of shadow final: %w", err)
		}
		f.manifest.FinalUntil = map[event.PropertyID]event.Time{id: next}
		if change == nil {
			change = &store.Change{}
		}
		if err := f.install(ctx, change); err != nil {
			return err
		}
	}
	return nil
}

// finalUntil is how far the shadow's days are final.
func (f *folding) finalUntil() event.Time { return f.manifest.FinalUntil[f.order.Now.ID] }
