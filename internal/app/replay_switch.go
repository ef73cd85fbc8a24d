// The switch of a replay in a cluster: rows go into ClickHouse first, then the settings hold, and then one commit names the rows,
// in a term that the command takes for a moment.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/intent/pgintent"
	"tidemark/internal/store"
)

const (
	// replayer is the name under which the command owns the partition of the store's keeper.
	replayer = "replay"
	// switches is how often the switch is tried: the owner of the partition takes it back whenever it likes.
	switches = 8
	// preparations is how often rows are sent.
	preparations = 3
	switchPause  = time.Second
)

// Restate implements replay.Processor.
func (r *sharedReplay) Restate(ctx context.Context, swap store.Replacement, _ int) (err error) {
	e, err := r.shadow.Store.(store.Exporter).Export(ctx, swap.Property)
	if err != nil {
		return err
	}
	defer e.Release()
	of := &store.Replacing{Property: swap.Property, From: swap.From, To: swap.To, Was: r.was}
	if of.Files, err = r.filesOf(ctx, e, swap.From, swap.To); err != nil {
		return err
	}
	for try := 1; ; try++ {
		prepared, err := r.prepare(ctx, of)
		if err != nil {
			return err
		}
		// Settings go first: after a crash between the two the same replay can be ordered again, and history and future agree.
		if try == 1 {
			if err := r.redefine(ctx); err != nil {
				return err
			}
		}
		if err = r.switchTo(ctx, prepared); !errors.Is(err, store.ErrUnprepared) || try == preparations {
			return err
		}
	}
}

// filesOf lists the shadow's rows.
func (r *sharedReplay) filesOf(ctx context.Context, e store.Export, from, to event.Time) (out []store.RestoredFile, err error) {
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		err := pieces(ctx, e, t, from, to, func(lo, hi event.Time, n int64) error {
			out = append(out, store.RestoredFile{Table: t, Rows: n, Copy: func(ctx context.Context, w io.Writer) error {
				r.progress("sending", float64(lo-from)/float64(to-from))
				return copyRows(ctx, e, t, lo, hi, w)
			}})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func copyRows(ctx context.Context, e store.Export, t store.Table, lo, hi event.Time, w io.Writer) (err error) {
	f, err := e.Write(ctx, t, lo, hi)
	if err != nil {
		return err
	}
	if f == nil {
		return fmt.Errorf("rows of %s from %v on are gone", t, lo)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}

// prepare sends the rows, and once more if that failed.
func (r *sharedReplay) prepare(ctx context.Context, of *store.Replacing) (p *store.Prepared, err error) {
	for try := 1; ; try++ {
		if p, err = r.click.Prepare(ctx, of); err == nil || isRefused(err) || try == preparations {
			return p, err
		}
		r.serving.Logger.Warn("rows could not be sent, trying again", "error", err)
		if err := pause(ctx, switchPause); err != nil {
			return nil, err
		}
	}
}

// isRefused: another try would say the same.
func isRefused(err error) bool {
	return errors.Is(err, store.ErrRestated) || errors.Is(err, store.ErrUnprepared) || errors.Is(err, store.ErrRowsGone) || errors.Is(err, context.Canceled)
}

// switchTo commits, in a term of our own.
func (r *sharedReplay) switchTo(ctx context.Context, p *store.Prepared) (err error) {
	intents, err := pgintent.Open(ctx, r.serving.Config.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intents.Close()) }()
	at := event.TimeOf(time.Now())
	for try := 1; ; try++ {
		err := r.switchOnce(ctx, intents, p, at)
		if err == nil || isRefused(err) {
			return err
		}
		if try == switches {
			return fmt.Errorf("rows are sent and not in place, %d tries: order the replay again: %w", try, err)
		}
		r.serving.Logger.Info("the switch did not come through, trying again", "error", err)
		if err := pause(ctx, switchPause); err != nil {
			return err
		}
	}
}

func (r *sharedReplay) switchOnce(ctx context.Context, intents *pgintent.Registry, p *store.Prepared, at event.Time) error {
	// Whoever keeps the store is over with this, takes the partition back in a moment, and goes on with what we commit.
	term, err := intents.Acquire(ctx, 0, replayer)
	if err != nil {
		return err
	}
	keeper, err := r.click.Keep(ctx, term)
	if err != nil {
		return fmt.Errorf("take the store over in term %d: %w", term, err)
	}
	return keeper.(store.ReplacingKeeper).ReplaceFinal(ctx, p, at)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
