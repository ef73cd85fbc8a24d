// Freshness and ledger: how far what snapshots see has come (S27, S33).
package pipeline

import (
	"context"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

// Freshness returns how far the rows visible now have come, with the property's
// ledger.
func (p *Processor) Freshness(ctx context.Context, id event.PropertyID) (ledger.Freshness, error) {
	f := p.progress()
	var err error
	f.Ledger, err = p.Ledger(ctx, id)
	return f, err
}

// progress returns how far the rows visible now have come.
func (p *Processor) progress() ledger.Freshness {
	var f ledger.Freshness
	now := p.deps.now()
	f.ProcessedThrough = now
	complete := now
	for _, part := range p.parts {
		part.visible.Lock()
		next, clock := part.visible.next, part.visible.clock
		part.visible.Unlock()
		// The end is read after now: an event acknowledged before now is below it.
		if end := p.deps.Log.End(part.id); next < end {
			f.Lag += int64(end - next)
			f.ProcessedThrough = min(f.ProcessedThrough, clock)
		}
		part.mu.Lock()
		late := part.fold.Lateness().Claim
		part.mu.Unlock()
		complete = min(complete, f.ProcessedThrough.Add(-late))
	}
	f.FinalThrough = f.ProcessedThrough.Add(-event.FinalLag)
	f.CompleteThrough = complete
	return f
}

// publish adds the outcomes of events that became visible.
func (p *Processor) publish(more map[event.PropertyID]ledger.Outcomes) {
	p.accounts.Lock()
	defer p.accounts.Unlock()
	for id, o := range more {
		sum := p.accounts.of[id]
		sum.Add(&o)
		p.accounts.of[id] = sum
	}
}

// keepTooLate keeps the latest events of a property that came too late.
func (p *Processor) keepTooLate(id event.PropertyID, e ledger.TooLate) {
	p.accounts.Lock()
	defer p.accounts.Unlock()
	p.accounts.latest[id] = ledger.KeepTooLate(p.accounts.latest[id], e)
}

// Ledger returns the account of a property. Outcomes are read before receipts,
// so that nothing is accounted for before it was received.
func (p *Processor) Ledger(ctx context.Context, id event.PropertyID) (ledger.Ledger, error) {
	p.accounts.RLock()
	sum := p.accounts.of[id]
	p.lessErased(id, &sum)
	latest := slices.Clone(p.accounts.latest[id])
	p.accounts.RUnlock()
	counts, err := p.deps.Log.CountsOf(ctx, id)
	if err != nil {
		return ledger.Ledger{}, fmt.Errorf("read counts of event log: %w", err)
	}
	l := ledger.Ledger{Refused: map[event.RefuseReason]int64{}, Outcomes: sum, Latest: latest}
	for why, n := range counts {
		l.Received += n
		if why == "" {
			l.Accepted += n
		} else {
			l.Refused[why] += n
		}
	}
	l.Pending = l.Accepted - l.Stored - l.Duplicate - l.TooLate - l.Expired - l.Erased
	return l, nil
}
