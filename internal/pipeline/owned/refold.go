// Refold: a partition whose rows the store has lost begins again where the log begins.
package owned

import (
	"context"
	"errors"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/intent"
	"tidemark/internal/store"
)

// ErrNotLost: the store has batches of the log, so folding their records again would count them twice.
var ErrNotLost = errors.New("the store has batches of this log")

// Refolded says where a partition begins again.
type Refolded struct {
	// Again is false where nothing was ever folded.
	Again bool
	// From is where it begins again, and To how far it had come. They are the same if an earlier Refold did it.
	From, To event.Offset
	// Forgot: the log does not have all that was folded. Began is then the IngestTime of the first record that it has, or of
	// the last one that was folded, if it has none.
	Forgot bool
	Began  event.Time
}

// CheckLost returns ErrNotLost if the store has anything of a partition that no Refold put there.
func CheckLost(ctx context.Context, deps Deps) error {
	published, err := deps.Store.Progress(ctx)
	if err != nil {
		return fmt.Errorf("read progress of the store: %w", err)
	}
	for _, p := range published {
		progress, err := deps.Intents.Progress(ctx, int(p.Partition))
		if err != nil {
			return err
		}
		if err := isLost(p, progress); err != nil {
			return err
		}
	}
	return nil
}

// isLost: what a Refold publishes has no rows.
func isLost(p store.Progress, progress intent.Progress) error {
	if progress.Open == nil && progress.Last.IsRewind() && progress.Last.Seq == p.Seq {
		return nil
	}
	return fmt.Errorf("batch %d of partition %d is published: %w", p.Seq, p.Partition, ErrNotLost)
}

// Refold has a partition begin again at the start of the log, and takes back to there what its state knows. The store has lost
// all rows that were made of the log, and no owner is at work. Owners then fold what the log has, under numbers of
// batches that were never given. It may be repeated wherever it ended before; it fences the owner.
// intent.ErrFenced says that an owner fenced it in turn, ErrNotLost that there is nothing to refold.
func Refold(ctx context.Context, cfg Config, deps Deps, id event.Partition) (Refolded, error) {
	r := &refolding{cfg: cfg, deps: deps, id: id}
	if err := r.run(ctx); err != nil {
		return r.result, fmt.Errorf("fold partition %d again: %w", id, err)
	}
	return r.result, nil
}

type refolding struct {
	cfg    Config
	deps   Deps
	id     event.Partition
	result Refolded
}

// step returns an error if Step ended ctx, as a crash there would.
func (r *refolding) step(ctx context.Context, name string) error {
	if r.deps.Step != nil {
		r.deps.Step(r.id, name)
	}
	return ctx.Err()
}

func (r *refolding) run(ctx context.Context) error {
	progress, err := r.deps.Intents.Progress(ctx, int(r.id))
	if err != nil {
		return err
	}
	if progress.Last.Seq == 0 && progress.Open == nil {
		return nil // it begins by itself
	}
	if err := r.step(ctx, "acquire"); err != nil {
		return err
	}
	epoch, err := r.deps.Intents.Acquire(ctx, int(r.id), r.cfg.Node)
	if err != nil {
		return err
	}
	if progress, err = r.deps.Intents.Progress(ctx, int(r.id)); err != nil {
		return err
	}
	if err := r.checkLost(ctx, progress); err != nil {
		return err
	}
	start := r.deps.Log.Start(r.id)
	last := progress.Last
	if last.Seq > 0 && event.Offset(last.To) < start {
		return fmt.Errorf("it had come to offset %d, and the log begins at %d: %w", last.To, start, eventlog.ErrTruncated)
	}
	r.result = Refolded{Again: true, From: start, To: event.Offset(last.To), Forgot: start > 0 && last.Seq > 0}
	if r.result.Began, err = eventlog.IngestTimeAt(ctx, r.deps.Log, r.id, start); err != nil {
		return err
	}
	i := last
	isDone := progress.Open == nil && last.IsRewind() && event.Offset(last.To) == start
	if !isDone {
		i = intent.Intent{Partition: int(r.id), Epoch: epoch, Seq: last.Seq + 1, From: uint64(start), To: uint64(start)}
		if open := progress.Open; open != nil {
			i.Seq = open.Seq + 1
		}
		i.State = intent.StateName(i.Partition, epoch, i.Seq)
	}
	var clock event.Time
	if isDone {
		clock, err = r.clockOf(ctx, epoch, i)
	} else {
		clock, err = r.makeState(ctx, last, i)
	}
	if err != nil {
		return err
	}
	if !isDone {
		if err := r.step(ctx, "rewind"); err != nil {
			return err
		}
		if err := r.deps.Intents.Rewind(ctx, i); err != nil {
			return err
		}
	}
	// From here on the store takes nothing late of the batches of before: their numbers are published.
	if err := r.step(ctx, "publish"); err != nil {
		return err
	}
	return r.deps.Store.Publish(ctx, store.Progress{Partition: r.id, Seq: i.Seq, Next: start, Clock: clock})
}

func (r *refolding) checkLost(ctx context.Context, progress intent.Progress) error {
	published, err := r.deps.Store.Progress(ctx)
	if err != nil {
		return fmt.Errorf("read progress of the store: %w", err)
	}
	for _, p := range published {
		if p.Partition == r.id {
			return isLost(p, progress)
		}
	}
	return nil
}
