// Owner: one partition, from taking it over to letting it go.
package owned

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
)

// owner works on one partition. Its goroutine owns all but the channels.
type owner struct {
	p      *Processor
	id     event.Partition
	ctx    context.Context // ends at once
	cancel context.CancelFunc
	ending chan struct{} // closed: no further batch
	ended  chan struct{}

	epoch    uint64
	last     intent.Intent // done
	next     event.Offset  // first record not folded
	states   OwnerStates
	state    state.State
	unpruned int // batches until states are pruned
	meta     state.Meta
	fold     *fold.Fold
	idle     []event.Offset // for Wait: the ends of other partitions never come
	batch    batch
	lag      lag
	zones    *due.Zones // by the definitions in the saved state
	// termOver is closed when somebody else keeps the store; nil: nobody looks.
	termOver chan struct{}
}

// own starts the goroutine of a partition. p.mu is held.
func (p *Processor) own(id event.Partition) *owner {
	o := &owner{p: p, id: id, ending: make(chan struct{}), ended: make(chan struct{}), zones: due.NewZones()}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.idle = make([]event.Offset, p.deps.Log.Partitions())
	for i := range o.idle {
		o.idle[i] = math.MaxUint64
	}
	go func() {
		defer close(o.ended)
		err := o.run()
		for errors.Is(err, intent.ErrFenced) && !o.isEnding() {
			// We will be told that the partition is not ours any more. If we are not, the other one was
			// late: it was told before us, and acquired after us.
			p.deps.Logger.Info("another node has acquired the partition", "partition", id, "epoch", o.epoch)
			if err = o.sleep(o.ctx, p.cfg.FencedPause); err == nil {
				err = o.run()
			}
		}
		p.fail(o, err)
	}()
	return o
}

// end lets the batch under way finish for as long as wait, and returns when the
// goroutine has ended.
func (o *owner) end(wait time.Duration) {
	close(o.ending)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-o.ended:
	case <-timer.C:
	}
	o.cancel()
	<-o.ended
}

func (o *owner) isEnding() bool {
	select {
	case <-o.ending:
		return true
	default:
		return false
	}
}

func (o *owner) run() (err error) {
	began := o.p.deps.Clock()
	defer func() {
		if o.state != nil {
			err = errors.Join(err, o.state.Close())
			o.state = nil
		}
	}()
	if err := o.takeOver(); err != nil {
		return err
	}
	o.p.deps.Logger.Info("partition taken over", "partition", o.id, "epoch", o.epoch, "next", uint64(o.next),
		"took", o.p.deps.Clock().Sub(began).Round(time.Millisecond))
	if o.id == keepsStore {
		defer o.keepStore()()
	}
	for {
		if err := o.waitForRecords(); err != nil || o.isEnding() {
			return err
		}
		if o.isTermOver() {
			// A quiet partition has no batch that would tell: a command may have taken it for a moment.
			o.termOver = nil
			if err := o.unlessFenced(nil); err != nil {
				return err
			}
			continue
		}
		if err := o.runBatch(); err != nil {
			return err
		}
	}
}

// takeOver fences the owner before, and goes on where it ended.
func (o *owner) takeOver() error {
	deps := &o.p.deps
	err := o.retry("acquire partition", func(ctx context.Context) (err error) {
		o.epoch, err = deps.Intents.Acquire(ctx, int(o.id), o.p.cfg.Node)
		return err
	})
	if err != nil {
		return err
	}
	if o.states, err = deps.States.Owner(o.id, o.epoch); err != nil {
		return err
	}
	o.unpruned = 0
	var progress intent.Progress
	err = o.retry("read intents", func(ctx context.Context) (err error) {
		progress, err = deps.Intents.Progress(ctx, int(o.id))
		return err
	})
	if err != nil {
		return err
	}
	o.last = progress.Last
	open := progress.Open
	if open != nil && open.Saved {
		// Its rows are in the store and its state exists: only the last step is left.
		if err := o.finishSaved(*open); err != nil {
			return err
		}
		open = nil
	}
	if err := o.restore(); err != nil {
		return o.unlessFenced(err)
	}
	if open != nil {
		deps.Logger.Info("repeating the batch that the owner before had begun", "partition", o.id, "seq", open.Seq,
			"from", open.From, "to", open.To)
		return o.repeat(*open)
	}
	return o.publish() // the owner before may not have come to it
}

// unlessFenced returns ErrFenced instead of err if that may be the reason: who has taken over since prunes
// states that we still look for.
func (o *owner) unlessFenced(err error) error {
	var progress intent.Progress
	unread := o.retry("read intents", func(ctx context.Context) (err error) {
		progress, err = o.p.deps.Intents.Progress(ctx, int(o.id))
		return err
	})
	if unread != nil {
		return errors.Join(err, unread) // whoever let the partition go meanwhile did not ask why
	}
	if progress.Epoch != o.epoch {
		return fmt.Errorf("epoch %d, the owner %q has %d: %w", o.epoch, progress.Owner, progress.Epoch, intent.ErrFenced)
	}
	return err
}

// finishSaved ends a batch of the owner before whose state was saved.
func (o *owner) finishSaved(i intent.Intent) error {
	i.Epoch = o.epoch
	if err := o.begin(i); err != nil {
		return err
	}
	return o.done(i)
}

// restore opens the state after the last batch that is done.
func (o *owner) restore() error {
	deps := &o.p.deps
	err := o.retry("fetch state", func(ctx context.Context) (err error) {
		o.state, err = o.states.Open(ctx, o.last.State)
		return err
	})
	if err != nil {
		return err
	}
	meta, err := o.state.Load(o.ctx)
	if err != nil {
		return err
	}
	o.fold = fold.New(o.id, savedClients{o.state, o.id}, deps.Deriver)
	if meta == nil {
		meta = &state.Meta{Generation: o.p.generation, Partitions: make([]state.Partition, 1)}
	}
	if meta.Generation != o.p.generation {
		return fmt.Errorf("the state %q is of another event log: intents, states and log belong together: %w", o.last.State, state.ErrCorrupt)
	}
	if meta.Sequence != o.last.Seq || len(meta.Partitions) != 1 {
		return fmt.Errorf("the state %q is of batch %d, not of %d: %w", o.last.State, meta.Sequence, o.last.Seq, state.ErrCorrupt)
	}
	o.meta, o.next = *meta, meta.Partitions[0].Next
	if o.next != event.Offset(o.last.To) {
		return fmt.Errorf("the state %q is of offset %d, not of %d: %w", o.last.State, o.next, o.last.To, state.ErrCorrupt)
	}
	if start := deps.Log.Start(o.id); o.next < start {
		if o.last.Seq > 0 {
			return fmt.Errorf("the state is of offset %d, and the log begins at %d: %w", o.next, start, eventlog.ErrTruncated)
		}
		o.next = start
	}
	if saved := meta.Partitions[0].Fold; len(saved) > 0 {
		var snapshot fold.Snapshot
		if err := json.Unmarshal(saved, &snapshot); err != nil {
			return fmt.Errorf("decode state: %w: %w", state.ErrCorrupt, err)
		}
		o.zones.Learn(snapshot.Definitions)
		return o.fold.Restore(&snapshot)
	}
	return nil
}

type savedClients struct {
	state     state.State
	partition event.Partition
}

func (s savedClients) Client(key []byte) ([]byte, error) { return s.state.Client(s.partition, key) }

// waitForRecords returns when there are some, or when the partition is let go or the store taken.
func (o *owner) waitForRecords() error {
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	termOver := o.termOver
	go func() {
		select {
		case <-o.ending:
			cancel()
		case <-termOver:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := o.pace(ctx); err != nil {
		return o.ctx.Err()
	}
	o.idle[o.id] = o.next
	for {
		err := o.p.deps.Log.Wait(ctx, o.idle)
		if err == nil || ctx.Err() != nil {
			return o.ctx.Err()
		}
		if errors.Is(err, eventlog.ErrClosed) {
			return err
		}
		o.p.tel.failures.WithLabelValues("log").Inc()
		if err := o.sleep(ctx, o.p.cfg.Pause); err != nil {
			return o.ctx.Err()
		}
	}
}

// pace lets small batches wait for company.
func (o *owner) pace(ctx context.Context) error {
	if o.batch.full {
		return nil
	}
	return o.sleep(ctx, o.p.cfg.BatchInterval-o.p.deps.Clock().Sub(o.batch.began))
}

func (o *owner) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retry calls f until it succeeds, cannot, or the partition is let go (O5).
func (o *owner) retry(what string, f func(ctx context.Context) error) error {
	pause := o.p.cfg.Pause
	for try := 1; ; try++ {
		err := f(o.ctx)
		if err == nil || isFinal(err) || o.ctx.Err() != nil {
			if err != nil {
				err = fmt.Errorf("%s: %w", what, err)
			}
			return errors.Join(o.ctx.Err(), err)
		}
		o.p.tel.failures.WithLabelValues(what).Inc()
		o.p.deps.Logger.Warn("cannot "+what+", trying again", "partition", o.id, "try", try, "pause", pause, "error", err)
		if err := o.sleep(o.ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, o.p.cfg.MaxPause)
	}
}

// isFinal tells whether another try cannot succeed.
func isFinal(err error) bool {
	for _, e := range []error{intent.ErrFenced, intent.ErrConflict, intent.ErrInvalid, state.ErrCorrupt,
		eventlog.ErrCorrupt, eventlog.ErrTruncated, eventlog.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
