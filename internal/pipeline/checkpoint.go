// Checkpoints (S26): freeze and seal between two rounds, then write and commit
// beside them.
package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

func (p *Processor) checkpointDue() bool {
	if p.underWay != nil || p.sinceCheckpoint == 0 {
		return false
	}
	return p.sinceCheckpoint >= p.cfg.CheckpointEvents ||
		p.deps.Clock().Sub(p.lastCheckpoint) >= p.cfg.CheckpointInterval
}

// frozen is what one checkpoint will commit.
type frozen struct {
	folds []*fold.Frozen
	next  []event.Offset
	head  store.Head
	began time.Time
	count int
}

// beginCheckpoint freezes folds, seals the head and starts writing. All rows
// folded are in the store. asked, if set, is told the outcome.
func (p *Processor) beginCheckpoint(ctx context.Context, asked chan error) error {
	if p.underWay != nil { // one at a time
		err := <-p.underWay
		p.underWay = nil
		if err != nil {
			return err
		}
	}
	z := &frozen{began: p.deps.Clock(), count: p.sinceCheckpoint}
	p.deps.step("freeze")
	for _, part := range p.parts {
		f, err := part.fold.Freeze()
		if err != nil {
			return err
		}
		z.folds, z.next = append(z.folds, f), append(z.next, part.next)
	}
	var err error
	if z.head, err = p.deps.Store.Seal(ctx); err != nil {
		return fmt.Errorf("seal store head: %w", err)
	}
	p.sinceCheckpoint, p.lastCheckpoint = 0, z.began
	p.underWay = make(chan error, 1)
	go func(done chan error) {
		err := p.writeCheckpoint(context.WithoutCancel(ctx), z)
		if asked != nil {
			asked <- err
		}
		done <- err
	}(p.underWay)
	return nil
}

func (p *Processor) writeCheckpoint(ctx context.Context, z *frozen) error {
	p.deps.step("write segments")
	segments, err := p.deps.Store.WriteSegments(ctx, z.head)
	if err != nil {
		return fmt.Errorf("write store segments: %w", err)
	}
	err = p.keeper.commit(ctx, func(c state.Commit, m *state.Meta) error {
		m.Manifest.Segments = append(m.Manifest.Segments, segments...)
		return p.saveFolds(c, m, z)
	}, z.head)
	if err != nil {
		return err
	}
	p.keeper.folded(z.folds)
	for _, f := range z.folds {
		f.Thaw(p.cfg.LiveClients / len(z.folds))
	}
	p.truncateLog(ctx)
	took := p.deps.Clock().Sub(z.began)
	p.tel.checkpoints.Observe(took.Seconds())
	p.deps.Logger.Debug("checkpoint committed", "events", z.count, "segments", len(segments), "took", took)
	return nil
}

// saveFolds puts clients, offsets and ledgers into the commit.
func (p *Processor) saveFolds(c state.Commit, m *state.Meta, z *frozen) error {
	slowest := z.folds[0].Clock
	for i, f := range z.folds {
		part := event.Partition(i)
		err := f.Encode(func(key, value []byte) error { return c.Client(part, key, value) })
		if err != nil {
			return fmt.Errorf("save clients of partition %d: %w", i, err)
		}
		b, err := json.Marshal(&f.Snapshot)
		if err != nil {
			return fmt.Errorf("encode state of partition %d: %w", i, err)
		}
		m.Partitions[i] = state.Partition{Next: z.next[i], Fold: b}
		slowest = min(slowest, f.Clock)
	}
	if n := len(m.Marks); n == 0 || slowest.Sub(m.Marks[n-1].IngestTime) >= time.Hour {
		m.Marks = append(m.Marks, state.Mark{IngestTime: slowest, Next: z.next})
	}
	for len(m.Marks) > 1 && slowest.Sub(m.Marks[1].IngestTime) > p.cfg.LogRetention {
		m.Marks = m.Marks[1:]
	}
	return nil
}

// truncateLog lets the log forget what is older than its retention (S31). The
// mark was committed, so a record that is gone was folded for good.
func (p *Processor) truncateLog(ctx context.Context) {
	m := p.keeper.meta()
	if len(m.Marks) == 0 {
		return
	}
	slowest := p.keeper.slowestClock()
	if slowest.Sub(m.Marks[0].IngestTime) <= p.cfg.LogRetention {
		return
	}
	for i, before := range m.Marks[0].Next {
		if err := p.deps.Log.Truncate(ctx, event.Partition(i), before); err != nil {
			p.deps.Logger.Error("cannot cut event log: it grows until this is mended",
				"partition", i, "before", before, "error", err)
			return
		}
	}
}
