// The state that a refold begins with: the last one, cut back to where the log begins.
package owned

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/state"
)

// makeState saves the state that i names, and returns its clock.
func (r *refolding) makeState(ctx context.Context, last, i intent.Intent) (clock event.Time, err error) {
	s, meta, was, states, err := r.open(ctx, i.Epoch, last)
	if err != nil {
		return 0, err
	}
	defer func() {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	to := &state.Meta{Sequence: i.Seq, Generation: meta.Generation, Partitions: []state.Partition{{Next: r.result.From}}}
	if r.result.Forgot {
		began := r.result.Began
		if began == 0 { // the log is empty: all that is known was before it
			began, r.result.Began = math.MaxInt64, was.Clock
		}
		snapshot := was.Again(clockAt(meta.Marks, r.result.From), began, r.result.To)
		clock = snapshot.Clock
		if to.Partitions[0].Fold, err = json.Marshal(snapshot); err != nil {
			return 0, fmt.Errorf("encode state: %w", err)
		}
		err = r.cutClients(ctx, s, to, began)
	} else { // the log tells everything
		err, s = s.Close(), nil
		if err == nil {
			s, err = states.Open(ctx, "")
		}
		if err != nil {
			return 0, err
		}
		err = finish(ctx, s.Begin(), to)
	}
	if err != nil {
		return 0, err
	}
	if err := r.step(ctx, "save state"); err != nil {
		return 0, err
	}
	return clock, states.Save(ctx, i.State, s)
}

// clockOf returns the clock of a state that was made before.
func (r *refolding) clockOf(ctx context.Context, epoch uint64, i intent.Intent) (clock event.Time, err error) {
	s, _, was, _, err := r.open(ctx, epoch, i)
	if err != nil {
		return 0, err
	}
	if r.result.Forgot && r.result.Began == 0 {
		r.result.Began = was.Clock
	}
	return was.Clock, s.Close()
}

// open fetches the state of a batch that is done, and what its fold knew beside clients. One of another log is refused: what
// the intents say is not about this one.
func (r *refolding) open(ctx context.Context, epoch uint64, of intent.Intent) (state.State, *state.Meta, *fold.Snapshot, OwnerStates, error) {
	states, err := r.deps.States.Owner(r.id, epoch)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if err := r.step(ctx, "open state"); err != nil {
		return nil, nil, nil, nil, err
	}
	generation := Generation(r.cfg.LogName)
	s, err := states.Open(ctx, of.State)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	was := &fold.Snapshot{}
	meta, err := s.Load(ctx)
	switch {
	case err != nil:
	case of.Seq == 0: // no batch is done: there is none
		meta = &state.Meta{Generation: generation}
	case meta == nil || meta.Generation != generation:
		err = fmt.Errorf("the state %q is of another event log: intents, states and log belong together: %w", of.State, state.ErrCorrupt)
	case meta.Sequence != of.Seq || len(meta.Partitions) != 1 || meta.Partitions[0].Next != event.Offset(of.To):
		err = fmt.Errorf("the state %q is not that of batch %d: %w", of.State, of.Seq, state.ErrCorrupt)
	case len(meta.Partitions[0].Fold) > 0:
		if err = json.Unmarshal(meta.Partitions[0].Fold, was); err != nil {
			err = fmt.Errorf("decode state: %w: %w", state.ErrCorrupt, err)
		}
	}
	if err != nil {
		return nil, nil, nil, nil, errors.Join(err, s.Close())
	}
	return s, meta, was, states, nil
}

// cutClients makes each client what it was before the log began, so many at a time: what a crash leaves half done is
// nowhere but on this disk, and fetched anew.
func (r *refolding) cutClients(ctx context.Context, s state.State, meta *state.Meta, began event.Time) error {
	all, ok := s.(state.Lister)
	if !ok {
		return fmt.Errorf("BUG: a state of %T does not list its clients", s)
	}
	c, n := s.Begin(), 0
	defer func() { c.Abandon() }()
	err := all.Clients(ctx, r.id, func(key, value []byte) error {
		if n++; n%clientsAtOnce == 0 {
			if err := finish(ctx, c, meta); err != nil {
				return err
			}
			c = s.Begin()
		}
		past, err := fold.PastRecord(value, r.result.From, began)
		if err != nil {
			return err
		}
		return c.Client(r.id, key, past)
	})
	if err != nil {
		return err
	}
	return finish(ctx, c, meta)
}

func finish(ctx context.Context, c state.Commit, meta *state.Meta) error {
	defer c.Abandon()
	return c.Finish(ctx, meta)
}

// clockAt is what the partition's clock was at an offset at least: marks remember it.
func clockAt(marks []state.Mark, at event.Offset) (clock event.Time) {
	for _, m := range marks {
		if len(m.Next) == 1 && m.Next[0] <= at {
			clock = max(clock, m.IngestTime)
		}
	}
	return clock
}
