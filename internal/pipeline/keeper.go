// Keeper: the committed state, and the one way to change it. Checkpoints and
// upkeep run side by side; their commits are made one after the other here.
package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

type keeper struct {
	deps *Deps

	mu        sync.Mutex // held over a commit and the install after it
	committed state.Meta

	zones *due.Zones // of committed checkpoints

	facts struct { // of the last committed checkpoint
		sync.Mutex
		clocks []event.Time
	}
}

func newKeeper(m state.Meta, deps *Deps) *keeper {
	return &keeper{deps: deps, committed: m, zones: due.NewZones()}
}

// commit lets change fill in a copy of the committed Meta and makes it durable;
// then the store is told. heads are those that the new segments replace.
func (k *keeper) commit(ctx context.Context, change func(state.Commit, *state.Meta) error, heads ...store.Head) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.committed
	next.Sequence++
	next.Partitions = slices.Clone(next.Partitions)
	next.Marks = slices.Clone(next.Marks)
	next.Erasures = slices.Clone(next.Erasures)
	next.Manifest = next.Manifest.Clone()
	next.Restatements = maps.Clone(next.Restatements)
	c := k.deps.State.Begin()
	defer c.Abandon()
	if err := change(c, &next); err != nil {
		return err
	}
	k.deps.step("commit")
	if err := c.Finish(ctx, &next); err != nil {
		return err
	}
	k.committed = next
	k.deps.step("install")
	if err := k.deps.Store.Install(ctx, next.Manifest, heads...); err != nil {
		return fmt.Errorf("install store segments: %w", err)
	}
	k.deps.step("installed")
	return nil
}

func (k *keeper) meta() state.Meta {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.committed
}

func (k *keeper) manifest() store.Manifest { return k.meta().Manifest }

// folded notes clocks and zones of a checkpoint that was committed.
func (k *keeper) folded(folds []*fold.Frozen) {
	k.facts.Lock()
	defer k.facts.Unlock()
	k.facts.clocks = k.facts.clocks[:0]
	for _, f := range folds {
		k.facts.clocks = append(k.facts.clocks, f.Clock)
		k.zones.Learn(f.Definitions)
	}
}

// slowestClock returns the least of the partitions' committed clocks; 0 before
// the first checkpoint of this run.
func (k *keeper) slowestClock() event.Time {
	k.facts.Lock()
	defer k.facts.Unlock()
	if len(k.facts.clocks) == 0 {
		return 0
	}
	return slices.Min(k.facts.clocks)
}
