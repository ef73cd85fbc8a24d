// An append of which some goes to the near log: cut into lanes, and what the far log
// did not take is rescued.
package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// appending is one Append of which some goes, or may go, to the near log.
type appending struct {
	s           *Spool
	b           *eventlog.Batch
	oldest, now event.Time
	durable     []bool // of the batch's records
	counted     []bool // of its counts
}

// part is what one lane gets.
type part struct {
	ln      *lane
	records []int
	counts  []int
}

// parts returns what is not durable yet, by lane in ascending order.
func (a *appending) parts() []part {
	byLane := make([]part, len(a.s.lanes))
	for i := range a.b.Records {
		if p := &byLane[a.b.Records[i].Partition]; !a.durable[i] {
			p.records = append(p.records, i)
		}
	}
	for i := range a.b.Counts {
		if p := &byLane[a.s.laneOfCount(a.b, i)]; !a.counted[i] {
			p.counts = append(p.counts, i)
		}
	}
	var out []part
	for i, p := range byLane {
		if p.ln = a.s.lanes[i]; len(p.records)+len(p.counts) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// run appends the parts to where their lanes go. Those of the near log are first:
// if that refuses them, nothing of the batch is kept.
func (a *appending) run(ctx context.Context) error {
	var near, far []part
	for _, p := range a.parts() {
		toNear, err := p.ln.enter(ctx, false)
		if err != nil {
			a.leave(near, false)
			return err
		}
		if toNear {
			near = append(near, p)
		} else {
			far = append(far, p)
		}
	}
	if len(near) > 0 {
		if err := a.writeNear(ctx, near); err != nil {
			return err
		}
	}
	if len(far) == 0 {
		return nil
	}
	batch, records, counts := a.batchOf(far)
	err := a.s.appendFar(ctx, batch)
	var partial *eventlog.PartialError
	switch {
	case err == nil:
		a.mark(far)
		return nil
	case errors.As(err, &partial):
		for i, r := range records {
			a.durable[r] = partial.Durable[i]
		}
		for i, c := range counts {
			a.counted[c] = partial.Counted[i]
		}
		err = partial.Err
	}
	return a.rescue(ctx, err)
}

// rescue takes what the far log did not take to the near log, or what it may
// have taken: the collector's event keys are in the records already, so that a copy is found,
// while a sender who is told to try again may have no keys (S6), or not try.
func (a *appending) rescue(ctx context.Context, err error) error {
	var partial *eventlog.PartialError
	if errors.As(err, &partial) { // Of the whole batch.
		copy(a.durable, partial.Durable)
		copy(a.counted, partial.Counted)
	}
	unknown := errors.Is(err, eventlog.ErrUnknown)
	if ctx.Err() != nil || errors.Is(err, eventlog.ErrInvalid) && !unknown {
		return err
	}
	if a.s.plant == plantForgetUnknown && unknown {
		return nil
	}
	a.s.note(err)
	a.s.turnAllNear()
	var near []part
	for _, p := range a.parts() {
		if _, enterErr := p.ln.enter(ctx, true); enterErr != nil {
			a.leave(near, false)
			return errors.Join(err, enterErr)
		}
		near = append(near, p)
	}
	if unknown {
		a.s.telemetry.unknown.Inc()
	}
	if nearErr := a.writeNear(ctx, near); nearErr != nil {
		if unknown {
			return fmt.Errorf("%w: %w", eventlog.ErrUnknown, errors.Join(err, nearErr))
		}
		return nearErr
	}
	return nil
}

// batchOf makes one batch of parts, and says which of the whole batch's records
// and counts are in it.
func (a *appending) batchOf(parts []part) (batch *eventlog.Batch, records, counts []int) {
	batch = &eventlog.Batch{Essential: a.b.Essential}
	for _, p := range parts {
		first := len(batch.Records)
		for _, i := range p.records {
			batch.Records, records = append(batch.Records, a.b.Records[i]), append(records, i)
		}
		for _, i := range p.counts {
			c := a.b.Counts[i]
			c.Record = p.place(c.Record, first)
			batch.Counts, counts = append(batch.Counts, c), append(counts, i)
		}
	}
	return batch, records, counts
}

// place says which record a count is of when p's records begin at first.
func (p *part) place(record, first int) int {
	if at := slices.Index(p.records, record-1); at >= 0 {
		return 1 + first + at
	}
	return 0
}

// writeNear appends a frame for each part to the near log, in one append, and
// leaves their lanes. Nothing is essential there: the near log is emptied by
// forwarding, not by what readers learn from ticks.
func (a *appending) writeNear(ctx context.Context, parts []part) error {
	wrote := false
	defer func() { a.leave(parts, wrote) }()
	for _, p := range parts {
		if err := p.ln.tooOld(a.now); err != nil {
			a.s.telemetry.refused.Inc()
			return fmt.Errorf("append: %w", err)
		}
	}
	oldest := a.oldest
	if t, ok := a.s.underWay.oldest(); ok {
		oldest = min(oldest, t)
	}
	batch := &eventlog.Batch{}
	bytes, records := 0, 0
	for _, p := range parts {
		f := frame{oldest: oldest, essential: a.b.Essential}
		for _, i := range p.records {
			f.payloads = append(f.payloads, a.b.Records[i].Payload)
		}
		for _, i := range p.counts {
			c := a.b.Counts[i]
			c.Record = p.place(c.Record, 0)
			f.counts = append(f.counts, c)
		}
		encoded := appendFrame(make([]byte, 0, f.size()), &f)
		batch.Records = append(batch.Records, eventlog.Record{Partition: p.ln.partition, Payload: encoded})
		bytes, records = bytes+len(encoded), records+len(p.records)
	}
	if err := a.s.near.Append(ctx, batch); err != nil {
		switch {
		case errors.Is(err, eventlog.ErrFull):
			a.s.telemetry.refused.Inc()
		case errors.Is(err, eventlog.ErrClosed):
			a.s.fail(fmt.Errorf("near log takes no more: %w", err))
		}
		return fmt.Errorf("append to near log: %w", err)
	}
	wrote = true
	a.mark(parts)
	a.s.telemetry.spooled.Add(float64(records))
	a.s.telemetry.bytes.Add(float64(bytes))
	return nil
}

func (a *appending) leave(parts []part, wrote bool) {
	for _, p := range parts {
		p.ln.leave(wrote, a.oldest)
	}
}

func (a *appending) mark(parts []part) {
	for _, p := range parts {
		for _, i := range p.records {
			a.durable[i] = true
		}
		for _, i := range p.counts {
			a.counted[i] = true
		}
	}
}

// result adds to err what is durable all the same.
func (a *appending) result(err error, of []int, counts int) error {
	if err == nil {
		return nil
	}
	for _, d := range a.durable {
		if d {
			var partial *eventlog.PartialError
			if errors.As(err, &partial) {
				err = partial.Err
			}
			return fmt.Errorf("append: %w", &eventlog.PartialError{Durable: a.durable, Counted: countedOf(a.counted, of, counts), Err: err})
		}
	}
	return err
}
