// Upkeep: days become final (S28), and segments are merged, while folding goes on.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

func (p *Processor) upkeep(ctx context.Context) error {
	tick := time.NewTicker(p.cfg.UpkeepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-p.broken:
			return err
		case <-tick.C:
		}
		err := p.Upkeep(ctx)
		var fatal commitError
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &fatal), errors.Is(err, store.ErrCorrupt):
			return err
		default:
			// Nothing was changed: it can be tried again when there is memory or room.
			p.tel.upkeepFailures.Inc()
			p.deps.Logger.Error("upkeep of the store failed, it will be tried again", "error", err)
		}
	}
}

// commitError is an error after which memory and disk may disagree: going on
// could lose or double rows.
type commitError struct{ error }

// Unwrap returns the cause.
func (e commitError) Unwrap() error { return e.error }

// Upkeep does what is due and returns when nothing is. It runs in the background;
// tests call it to have it done now.
func (p *Processor) Upkeep(ctx context.Context) error {
	p.upkeepMu.Lock()
	defer p.upkeepMu.Unlock()
	if err := p.erase(ctx); err != nil {
		return err
	}
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = p.finalize(ctx); err != nil {
			return err
		}
		if err = p.rollUp(ctx); err != nil {
			return err
		}
	}
	// A registry that does not answer keeps rows, and nothing else waits for it.
	dropErr := p.dropRows(ctx)
	var fatal commitError
	if errors.As(dropErr, &fatal) {
		return dropErr
	}
	return errors.Join(p.compact(ctx), dropErr)
}

// compact merges segments until nothing is worth it.
func (p *Processor) compact(ctx context.Context) error {
	for ctx.Err() == nil {
		change, err := p.deps.Store.Compact(ctx, p.keeper.manifest())
		if err != nil {
			return fmt.Errorf("compact store: %w", err)
		}
		if change == nil {
			return nil
		}
		if err := p.replace(ctx, change, nil); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// finalize makes the next day of each property final where it can be (P5), and
// tells whether it did. A day at a time bounds what a rebuild holds in memory, also
// when months of history were loaded at once; of days with few rows it takes several.
func (p *Processor) finalize(ctx context.Context) (more bool, err error) {
	clock := p.keeper.slowestClock()
	if clock == 0 {
		return false, nil
	}
	finalThrough := due.FinalThrough(clock)
	m := p.keeper.manifest()
	open, err := p.deps.Store.OpenSessions(ctx, m, finalThrough)
	if err != nil {
		return false, fmt.Errorf("find open sessions: %w", err)
	}
	until := due.Final(&m, open, finalThrough, daysAtOnce(&m, store.YoungEvents), p.keeper.zones)
	if len(until) == 0 {
		return false, nil
	}
	change, err := p.deps.Store.Finalize(ctx, m, until)
	if err != nil {
		return false, fmt.Errorf("make days final: %w", err)
	}
	p.deps.Logger.Info("a day became final", "properties", len(until), "final_through", finalThrough)
	return true, p.replace(ctx, change, func(_ state.Commit, m *state.Meta) error {
		m.Manifest.NoteFinal(until)
		return nil
	})
}

// rowsAtOnce is about how many rows a rebuild takes at once, and manyDays how many
// days at most: fixed costs of a rebuild are then spread over enough rows.
const (
	rowsAtOnce = 1_000_000
	manyDays   = 14
)

// daysAtOnce returns how many days of all properties have about rowsAtOnce rows.
func daysAtOnce(m *store.Manifest, t store.Table) int {
	var rows int64
	first, last := event.Time(math.MaxInt64), event.Time(math.MinInt64)
	for i := range m.Segments {
		if s := &m.Segments[i]; s.Table == t {
			rows += s.Rows
			first, last = min(first, s.MinTime), max(last, s.MaxTime)
		}
	}
	if rows == 0 {
		return 1
	}
	days := int64(last.Sub(first)/(24*time.Hour)) + 1
	return int(max(1, min(manyDays, rowsAtOnce*days/rows)))
}

// replace commits a change of segments together with what also, if given, changes.
func (p *Processor) replace(ctx context.Context, change *store.Change, also func(state.Commit, *state.Meta) error) error {
	err := p.keeper.commit(ctx, func(c state.Commit, m *state.Meta) error {
		m.Manifest.Segments = change.Apply(m.Manifest.Segments)
		if also == nil {
			return nil
		}
		return also(c, m)
	})
	if err != nil {
		return commitError{err}
	}
	return nil
}
