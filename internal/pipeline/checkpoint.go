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
	segments, err := p.writeSegments(ctx, z.head)
	if err != nil {
		return err
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

// How often and how long apart a failed write of segments is tried again: about
// ten minutes in all. A full disk may be mended meanwhile; events are still
// accepted, and the fold holds back.
const (
	writeTries    = 25
	writePause    = 250 * time.Millisecond
	writePauseMax = 30 * time.Second
)

func (p *Processor) writeSegments(ctx context.Context, h store.Head) ([]store.Segment, error) {
	pause := writePause
	for try := 1; ; try++ {
		segments, err := p.deps.Store.WriteSegments(ctx, h)
		if err == nil || try == writeTries || ctx.Err() != nil || p.isStopping() {
			if err != nil {
				err = fmt.Errorf("write store segments: %w", err)
			}
			return segments, err
		}
		p.tel.writeFailures.Inc()
		p.deps.Logger.Error("cannot write store segments, trying again", "try", try, "pause", pause, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.stopping:
			timer.Stop()
		}
		pause = min(2*pause, writePauseMax)
	}
}

// saveFolds puts clients, offsets and ledgers into the commit.
func (p *Processor) saveFolds(c state.Commit, m *state.Meta, z *frozen) error {
	slowest := z.folds[0].Clock
	c.InOrder() // as Encode calls
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
		m.Erasures = append(m.Erasures, f.Erasures...)
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
	before := m.Marks[0].Next
	switch {
	case p.logNearlyFull():
		// What is committed is in segments and state: the log can do without it, and
		// taking events is worth more than replaying them (D8).
		p.deps.Logger.Warn("event log is nearly full: cutting it before its retention is over; raise its max_bytes")
		before = committedOffsets(&m)
	case slowest.Sub(m.Marks[0].IngestTime) <= p.cfg.LogRetention:
		return
	}
	for i, before := range before {
		if err := p.deps.Log.Truncate(ctx, event.Partition(i), before); err != nil {
			p.deps.Logger.Error("cannot cut event log: it grows until this is mended",
				"partition", i, "before", before, "error", err)
			return
		}
	}
}

// fullShare of its bound makes a log nearly full.
const fullShare = 0.8

// logNearlyFull asks a log that has a bound.
func (p *Processor) logNearlyFull() bool {
	bounded, ok := p.deps.Log.(interface{ Usage() (used, max int64) })
	if !ok {
		return false
	}
	used, limit := bounded.Usage()
	return limit > 0 && float64(used) > fullShare*float64(limit)
}

func committedOffsets(m *state.Meta) []event.Offset {
	out := make([]event.Offset, len(m.Partitions))
	for i, p := range m.Partitions {
		out[i] = p.Next
	}
	return out
}
