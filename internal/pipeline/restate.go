// Restate: a replay's rows take the place of final ones (S29).
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Errors of Restate, which are those of a shared store.
var (
	// ErrRestated: final days of the property were changed since the replay read them.
	ErrRestated = store.ErrRestated
	// ErrRowsGone: rows of the days are not kept any more (S30).
	ErrRowsGone = store.ErrRowsGone
)

func hasRows(m *store.Manifest, r store.Replacement) bool {
	from, gone := m.RowsFrom(r.Property)
	return !gone || r.From >= from
}

// WhyReplay is a replay's reason in its Restatement.
const WhyReplay = store.WhyReplay

// FinalThrough returns what finality is measured by: no event before it can come any
// more, as far as the last committed checkpoint knows. Zero before the first checkpoint
// of this run.
func (p *Processor) FinalThrough() event.Time {
	return due.FinalThrough(p.keeper.slowestClock())
}

// Restatements returns what was changed of a property's final days, oldest first.
func (p *Processor) Restatements(id event.PropertyID) []state.Restatement {
	m := p.keeper.meta()
	return slices.Clone(m.Restatements[id])
}

// Restate puts r's rows in the place of final ones, in one commit (S26): before it
// nothing has happened, after it all has. known is how many restatements of the property
// there were when the rows were read: with more, nothing is changed (ErrRestated), since
// what an erasure took must not come back.
func (p *Processor) Restate(ctx context.Context, r store.Replacement, known int) error {
	p.upkeepMu.Lock()
	defer p.upkeepMu.Unlock()
	if m := p.keeper.manifest(); !hasRows(&m, r) {
		return ErrRowsGone // dropped while the replay ran: they must not come back
	}
	p.deps.step("replace final rows")
	change, err := p.deps.Store.ReplaceFinal(ctx, p.keeper.manifest(), r)
	if err != nil {
		return fmt.Errorf("restate property %s: %w", r.Property, err)
	}
	err = p.replace(ctx, change, func(_ state.Commit, m *state.Meta) error {
		if len(m.Restatements[r.Property]) != known {
			return ErrRestated
		}
		m.Manifest.DayVersion[r.Property]++
		// Cells of these days are made again by the next upkeep.
		m.Manifest.Rollups[r.Property] = store.WithoutRollups(m.Manifest.Rollups[r.Property], r.From, r.To)
		if m.Restatements == nil {
			m.Restatements = map[event.PropertyID][]state.Restatement{}
		}
		m.Restatements[r.Property] = append(slices.Clone(m.Restatements[r.Property]),
			state.Restatement{At: p.deps.now(), Why: WhyReplay, From: r.From, To: r.To})
		return nil
	})
	if errors.Is(err, ErrRestated) {
		return ErrRestated
	}
	if err != nil { // nobody knows what is on disk: the processor must end
		select {
		case p.broken <- err:
		default: // it is ending already
		}
	}
	return err
}

// Visible returns, by partition, the first offset that snapshots do not see yet.
func (p *Processor) Visible() []event.Offset {
	out := make([]event.Offset, len(p.parts))
	for i, part := range p.parts {
		part.visible.Lock()
		out[i] = part.visible.next
		part.visible.Unlock()
	}
	return out
}
