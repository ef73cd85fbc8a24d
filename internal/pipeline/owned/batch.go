// Batch: the way of a run of records into the store, in the order that makes it
// exactly once (O1 to O3).
package owned

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/ledger"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// batch holds what is used again by the next one.
type batch struct {
	entries []eventlog.Entry
	rows    store.SharedBatch
	began   time.Time
	full    bool // the last one reached its bound: there is more
}

func (o *owner) step(name string) {
	if o.p.deps.Step != nil {
		o.p.deps.Step(o.id, name)
	}
}

// runBatch folds the records that are there now.
func (o *owner) runBatch() error {
	b := &o.batch
	b.began = o.p.deps.Clock()
	b.entries = b.entries[:0]
	err := o.retry("read records", func(ctx context.Context) (err error) {
		b.entries, err = o.p.deps.Log.Read(ctx, o.id, o.next, o.p.cfg.BatchBytes, b.entries[:0])
		return err
	})
	if err != nil || len(b.entries) == 0 {
		return err
	}
	b.entries = b.entries[:min(len(b.entries), o.p.cfg.BatchRecords)]
	i := intent.Intent{Partition: int(o.id), Epoch: o.epoch, Seq: o.last.Seq + 1, From: uint64(o.next),
		To: uint64(o.next) + uint64(len(b.entries)), State: intent.StateName(int(o.id), o.epoch, o.last.Seq+1)}
	b.full = event.Offset(i.To) < o.p.deps.Log.End(o.id)
	if err := o.begin(i); err != nil {
		return err
	}
	return o.carryOut(i)
}

// repeat does the open batch of the owner before: the same offsets, no more and no less.
func (o *owner) repeat(open intent.Intent) error {
	i := open
	i.Epoch, i.State = o.epoch, intent.StateName(int(o.id), o.epoch, open.Seq)
	if err := o.begin(i); err != nil {
		return err
	}
	b := &o.batch
	b.began, b.entries = o.p.deps.Clock(), b.entries[:0]
	for want := int(i.To - i.From); len(b.entries) < want; {
		have := len(b.entries)
		err := o.retry("read records", func(ctx context.Context) (err error) {
			b.entries, err = o.p.deps.Log.Read(ctx, o.id, event.Offset(i.From)+event.Offset(have), o.p.cfg.BatchBytes, b.entries[:have])
			if err == nil && len(b.entries) == have {
				// Acknowledged records do not go: the log has not caught up with itself.
				return fmt.Errorf("record %d is not there yet", i.From+uint64(have))
			}
			return err
		})
		if err != nil {
			return err
		}
		b.entries = b.entries[:min(len(b.entries), want)]
	}
	return o.carryOut(i)
}

func (o *owner) begin(i intent.Intent) error {
	o.step("begin")
	return o.retry("record intent", func(ctx context.Context) error { return o.p.deps.Intents.Begin(ctx, i) })
}

// carryOut takes a batch that was begun, and whose records are read, to its end.
func (o *owner) carryOut(i intent.Intent) error {
	if err := o.foldRecords(i); err != nil {
		return err
	}
	o.step("insert")
	id := store.BatchID{Log: o.p.cfg.LogName, Partition: o.id, Seq: i.Seq}
	err := o.retry("insert rows", func(ctx context.Context) error { return o.p.deps.Store.Insert(ctx, id, &o.batch.rows) })
	if err != nil {
		return err
	}
	o.meta.Sequence = i.Seq
	if err := o.publish(); err != nil {
		return err
	}
	o.p.tel.visibleRows(&o.batch.rows, o.p.deps.Clock())
	if err := o.save(i); err != nil {
		return err
	}
	return o.done(i)
}

// foldRecords makes rows of the records of i, and of no others (O1).
func (o *owner) foldRecords(i intent.Intent) error {
	rows := &o.batch.rows
	rows.Reset()
	rows.Outcomes = map[event.PropertyID]ledger.Outcomes{}
	for _, e := range o.batch.entries {
		if e.Offset != o.next {
			return fmt.Errorf("read offset %d where %d was due: %w", e.Offset, o.next, eventlog.ErrCorrupt)
		}
		if err := o.fold.Apply(e.Offset, e.Payload, &rows.Batch); err != nil {
			return err
		}
		o.next++
	}
	o.fold.Flush(&rows.Batch)
	o.fold.TakeOutcomes(rows.Outcomes)
	rows.Erasures = o.fold.Erasures()
	o.fold.TakeTooLate(func(event.PropertyID, ledger.TooLate) {}) // the ledger has their number
	if o.next != event.Offset(i.To) {
		return fmt.Errorf("BUG: folded to %d, not to %d", o.next, i.To)
	}
	return nil
}

// publish shows what is in the store up to the state's batch.
func (o *owner) publish() error {
	o.step("publish")
	p := store.Progress{Partition: o.id, Seq: o.meta.Sequence, Next: o.next, Clock: o.fold.Clock(), Claim: o.fold.Lateness().Claim}
	if p.Seq > 0 {
		err := o.retry("publish rows", func(ctx context.Context) error { return o.p.deps.Store.Publish(ctx, p) })
		if err != nil {
			return err
		}
	}
	o.lag.set(p.Next, p.Clock)
	return nil
}

// save commits the state after the batch here, and takes it to where others can get it.
func (o *owner) save(i intent.Intent) error {
	o.step("commit state")
	frozen, err := o.fold.Freeze()
	if err != nil {
		return err
	}
	snapshot, err := json.Marshal(&frozen.Snapshot)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	c := o.state.Begin()
	defer c.Abandon()
	err = frozen.Encode(func(key, value []byte) error { return c.Client(o.id, key, value) })
	if err != nil {
		return fmt.Errorf("save clients: %w", err)
	}
	o.meta.Partitions = []state.Partition{{Next: o.next, Fold: snapshot}}
	o.mark(frozen.Clock)
	if err := c.Finish(o.ctx, &o.meta); err != nil {
		return err
	}
	c.Abandon() // it is over: who copies the state waits for that
	frozen.Thaw(o.p.cfg.LiveClients)
	if o.id == keepsStore {
		o.zones.Learn(frozen.Definitions)
	}
	if err := o.purge(&frozen.Snapshot); err != nil {
		return err
	}
	o.step("save state")
	err = o.retry("save state", func(ctx context.Context) error { return o.states.Save(ctx, i.State, o.state) })
	if err != nil {
		return err
	}
	o.step("record save")
	return o.retry("record save", func(ctx context.Context) error {
		return o.p.deps.Intents.Save(ctx, int(o.id), o.epoch, i.Seq)
	})
}

// purge has the state forget what it held of clients that the batch erased (S30): what is saved from here on
// has nothing of them, and states of before are let go of as soon as the batch is done.
func (o *owner) purge(saved *fold.Snapshot) error {
	if len(saved.Erasures) == 0 {
		return nil
	}
	var keys [][]byte
	for _, e := range saved.Erasures {
		for _, verdict := range saved.Verdicts {
			keys = append(keys, fold.ClientKey(nil, e.Property, verdict, e.ClientID))
		}
	}
	o.step("purge state")
	o.unpruned = 0
	return o.retry("purge erased clients", func(ctx context.Context) error { return o.state.Purge(ctx, o.id, keys) })
}

// done ends the batch. The state before it will not be opened again: who takes the partition over
// from now on finds this one.
func (o *owner) done(i intent.Intent) error {
	o.step("done")
	err := o.retry("end intent", func(ctx context.Context) error {
		return o.p.deps.Intents.Done(ctx, int(o.id), o.epoch, i.Seq)
	})
	if err != nil {
		return err
	}
	o.last = i
	o.last.Saved, o.last.Done = true, true
	o.p.tel.batches.Observe(o.p.deps.Clock().Sub(o.batch.began).Seconds())
	o.cutLog()
	o.prune()
	return nil
}

// prune lets go of states that nobody opens again: after the first batch of an owner, and then now and then.
func (o *owner) prune() {
	if o.unpruned--; o.unpruned > 0 {
		return
	}
	o.step("prune states")
	o.unpruned = o.p.cfg.PruneBatches
	if err := o.states.Prune(o.ctx, o.last.State); err != nil && o.ctx.Err() == nil {
		o.p.tel.failures.WithLabelValues("prune states").Inc()
		o.p.deps.Logger.Warn("cannot let go of former states: they take room", "partition", o.id, "error", err)
	}
}

// mark remembers where the log stood, once an hour of its own time, so that it can be cut by age.
func (o *owner) mark(clock event.Time) {
	m := &o.meta
	if n := len(m.Marks); n == 0 || clock.Sub(m.Marks[n-1].IngestTime) >= time.Hour {
		m.Marks = append(m.Marks, state.Mark{IngestTime: clock, Next: []event.Offset{o.next}})
	}
	for len(m.Marks) > 1 && clock.Sub(m.Marks[1].IngestTime) > o.p.cfg.LogRetention {
		m.Marks = m.Marks[1:]
	}
}

// cutLog lets the log forget what is older than its retention (S31). The mark is in a state that
// is done, so a record that is gone was folded for good.
func (o *owner) cutLog() {
	if len(o.meta.Marks) == 0 || o.fold == nil || o.fold.Clock().Sub(o.meta.Marks[0].IngestTime) <= o.p.cfg.LogRetention {
		return
	}
	if err := o.p.deps.Log.Truncate(o.ctx, o.id, o.meta.Marks[0].Next[0]); err != nil && o.ctx.Err() == nil {
		o.p.tel.failures.WithLabelValues("cut log").Inc()
		o.p.deps.Logger.Warn("cannot cut event log: it grows until this is mended", "partition", o.id, "error", err)
	}
}
