// Erase: once a checkpoint holds that clients are gone, their rows go too (S30).
package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/ledger"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// WhyErasure is an erasure's reason in its Restatement.
const WhyErasure = "erasure"

// erasuresAtOnce bounds the clients of one rewrite of segments: their list is part of
// its statements.
const erasuresAtOnce = 10_000

// erase removes the rows of clients that committed checkpoints say are gone. The
// checkpoint that says so wrote all their rows, so none is in memory.
func (p *Processor) erase(ctx context.Context) error {
	for ctx.Err() == nil {
		meta := p.keeper.meta()
		if len(meta.Erasures) == 0 {
			return nil
		}
		of := meta.Erasures[:min(len(meta.Erasures), erasuresAtOnce)]
		p.deps.step("erase rows")
		erased, err := p.deps.Store.Erase(ctx, meta.Manifest, of)
		if err != nil {
			return fmt.Errorf("erase clients: %w", err)
		}
		if erased == nil {
			erased = &store.Erased{}
		}
		err = p.replace(ctx, &erased.Change, func(_ state.Commit, m *state.Meta) error {
			m.Erasures = slices.Clone(m.Erasures[len(of):])
			p.noteErased(m, erased)
			return nil
		})
		if err != nil {
			return err
		}
		p.settleErased()
		if err := p.purge(ctx, &meta, of); err != nil {
			return err
		}
		p.deps.Logger.Info("clients were erased", "clients", len(of), "segments", len(erased.Removed))
	}
	return ctx.Err()
}

// purge has the state forget what it held of clients that it deleted.
func (p *Processor) purge(ctx context.Context, meta *state.Meta, of []store.Erasure) error {
	byPartition := map[event.Partition][][]byte{}
	for _, e := range of {
		part := e.Before.Partition()
		var saved fold.Snapshot
		if err := json.Unmarshal(meta.Partitions[part].Fold, &saved); err != nil {
			return fmt.Errorf("decode state of partition %d: %w", part, err)
		}
		for _, verdict := range saved.Verdicts {
			byPartition[part] = append(byPartition[part], fold.ClientKey(nil, e.Property, verdict, e.ClientID))
		}
	}
	for part, keys := range byPartition {
		if err := p.deps.State.Purge(ctx, part, keys); err != nil {
			return fmt.Errorf("purge erased clients: %w", err)
		}
	}
	return nil
}

// noteErased puts into m what an erasure did to the account and to final days.
func (p *Processor) noteErased(m *state.Meta, erased *store.Erased) {
	m.Erased = maps.Clone(m.Erased)
	if m.Erased == nil {
		m.Erased = map[event.PropertyID]int64{}
	}
	for id, n := range erased.Events {
		m.Erased[id] += n
	}
	m.Restatements = maps.Clone(m.Restatements)
	if m.Restatements == nil {
		m.Restatements = map[event.PropertyID][]state.Restatement{}
	}
	for id, touched := range erased.Touched {
		from, to := p.keeper.zones.Around(id, touched[0], touched[1])
		days, final := m.Manifest.LoseRows(id, store.Restated{At: p.deps.now(), From: from, To: to})
		if !final {
			continue
		}
		m.Restatements[id] = append(slices.Clone(m.Restatements[id]),
			state.Restatement{At: days.At, Why: WhyErasure, From: days.From, To: days.To})
	}
}

// settleErased lets the ledger know what the last commit says was erased.
func (p *Processor) settleErased() {
	erased := p.keeper.meta().Erased
	p.accounts.Lock()
	defer p.accounts.Unlock()
	p.accounts.erased = maps.Clone(erased)
}

// lessErased moves events whose rows were erased from stored to erased. What the
// fold counts as erased never had rows.
func (p *Processor) lessErased(id event.PropertyID, o *ledger.Outcomes) {
	n := p.accounts.erased[id]
	o.Stored -= n
	o.Erased += n
}
