// Adopt: a partition goes on from what was folded elsewhere.
package owned

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Adopted is what another processor knew of a partition when it had folded everything before Next.
type Adopted struct {
	Partition event.Partition
	Next      event.Offset
	// Fold is the fold's snapshot, as it lies in a state.
	Fold []byte
	// Clock and Claim are those of the fold.
	Clock event.Time
	Claim time.Duration
	// Marks remember where the log stood.
	Marks []state.Mark
	// Clients calls yield for each client record; yield does not keep the slices.
	Clients func(ctx context.Context, yield func(key, value []byte) error) error
}

// ErrAdopted: the partition was begun otherwise, and cannot go on from elsewhere.
var ErrAdopted = errors.New("the partition has batches of its own")

// adoptedSeq is the number of the batch that stands for all that was folded elsewhere. It has no rows
// of its own.
const adoptedSeq = 1

// clientsAtOnce is how many client records are committed together: a commit is in memory.
const clientsAtOnce = 20_000

// Adopt makes a the state after batch 1 of its partition, in the order of a batch (O2, O3). The rows that were made of
// the records before a.Next must be visible already, under another log's name. It may be repeated, with the same values,
// wherever it ended before, and also after owners have gone on from it. It fences the owner: intent.ErrFenced says that an
// owner fenced Adopt in turn, and it is to be called again.
func Adopt(ctx context.Context, cfg Config, deps Deps, a Adopted) error {
	if a.Next == 0 {
		return nil // nothing happened there: it begins by itself
	}
	d := &adopting{cfg: cfg, deps: deps, a: a}
	if err := d.run(ctx); err != nil {
		return fmt.Errorf("adopt partition %d: %w", a.Partition, err)
	}
	return nil
}

type adopting struct {
	cfg  Config
	deps Deps
	a    Adopted
}

// step returns an error if Step ended ctx, as a crash there would.
func (d *adopting) step(ctx context.Context, name string) error {
	if d.deps.Step != nil {
		d.deps.Step(d.a.Partition, name)
	}
	return ctx.Err()
}

func (d *adopting) run(ctx context.Context) error {
	p := int(d.a.Partition)
	progress, err := d.deps.Intents.Progress(ctx, p)
	if err != nil {
		return err
	}
	if is, err := d.isDone(ctx, progress); is || err != nil {
		return err
	}
	if err := d.step(ctx, "acquire"); err != nil {
		return err
	}
	epoch, err := d.deps.Intents.Acquire(ctx, p, d.cfg.Node)
	if err != nil {
		return err
	}
	if progress, err = d.deps.Intents.Progress(ctx, p); err != nil {
		return err
	}
	if is, err := d.isDone(ctx, progress); is || err != nil {
		return err
	}
	i := intent.Intent{Partition: p, Epoch: epoch, Seq: adoptedSeq, To: uint64(d.a.Next), State: intent.StateName(p, epoch, adoptedSeq)}
	if open := progress.Open; open != nil {
		if !open.SameBatch(i) {
			return fmt.Errorf("batch %d, offsets %d to %d, is under way: %w", open.Seq, open.From, open.To, ErrAdopted)
		}
		if open.Saved {
			i.State = open.State
			if err := d.step(ctx, "begin"); err != nil {
				return err
			}
			if err := d.deps.Intents.Begin(ctx, i); err != nil {
				return err
			}
			return d.finish(ctx, i)
		}
	}
	// The state first: who takes over an intent that is begun and not saved would look for its records, and there are none.
	if err := d.save(ctx, i); err != nil {
		return err
	}
	if err := d.step(ctx, "begin"); err != nil {
		return err
	}
	if err := d.deps.Intents.Begin(ctx, i); err != nil {
		return err
	}
	if err := d.step(ctx, "record save"); err != nil {
		return err
	}
	if err := d.deps.Intents.Save(ctx, i.Partition, i.Epoch, i.Seq); err != nil {
		return err
	}
	return d.finish(ctx, i)
}

// isDone tells whether the partition goes on from a already; ErrAdopted if it does from something else.
func (d *adopting) isDone(ctx context.Context, progress intent.Progress) (bool, error) {
	if progress.Last.Seq == 0 {
		return false, nil
	}
	history, err := d.deps.Intents.History(ctx, int(d.a.Partition))
	if err != nil {
		return false, err
	}
	for _, i := range history {
		if i.Seq == adoptedSeq {
			if i.From != 0 || i.To != uint64(d.a.Next) {
				return false, fmt.Errorf("its first batch has the offsets %d to %d, not 0 to %d: %w", i.From, i.To, d.a.Next, ErrAdopted)
			}
			break
		}
	}
	// History forgets: who has gone on so far began here, or would not have got the offsets behind.
	if progress.Last.To < uint64(d.a.Next) {
		return false, fmt.Errorf("it is at offset %d, before %d: %w", progress.Last.To, d.a.Next, ErrAdopted)
	}
	return true, nil
}

// save makes the state and takes it to where others can get it.
func (d *adopting) save(ctx context.Context, i intent.Intent) (err error) {
	states, err := d.deps.States.Owner(d.a.Partition, i.Epoch)
	if err != nil {
		return err
	}
	if err := d.step(ctx, "open state"); err != nil {
		return err
	}
	s, err := states.Open(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	meta := &state.Meta{Sequence: adoptedSeq, Generation: Generation(d.cfg.LogName), Marks: d.a.Marks,
		Partitions: []state.Partition{{Next: d.a.Next, Fold: d.a.Fold}}}
	if err := d.commitClients(ctx, s, meta); err != nil {
		return err
	}
	if err := d.step(ctx, "save state"); err != nil {
		return err
	}
	return states.Save(ctx, i.State, s)
}

// commitClients puts the records into the state, so many at a time: what a crash leaves half done is nowhere but on
// this disk, and begun anew.
func (d *adopting) commitClients(ctx context.Context, s state.State, meta *state.Meta) error {
	c, n := s.Begin(), 0
	defer func() { c.Abandon() }()
	err := d.a.Clients(ctx, func(key, value []byte) error {
		if n++; n%clientsAtOnce == 0 {
			if err := c.Finish(ctx, meta); err != nil {
				return err
			}
			c.Abandon()
			c = s.Begin()
		}
		return c.Client(d.a.Partition, key, value)
	})
	if err != nil {
		return err
	}
	return c.Finish(ctx, meta)
}

// finish publishes how far the partition is, and ends the batch.
func (d *adopting) finish(ctx context.Context, i intent.Intent) error {
	if err := d.step(ctx, "publish"); err != nil {
		return err
	}
	progress := store.Progress{Partition: d.a.Partition, Seq: adoptedSeq, Next: d.a.Next, Clock: d.a.Clock, Claim: d.a.Claim}
	if err := d.deps.Store.Publish(ctx, progress); err != nil {
		return err
	}
	if err := d.step(ctx, "done"); err != nil {
		return err
	}
	return d.deps.Intents.Done(ctx, i.Partition, i.Epoch, i.Seq)
}

// Generation is what the states of a log are marked with: a state of another one is refused.
func Generation(logName string) uint64 { return xxh3.HashString(logName) }
