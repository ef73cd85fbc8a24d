// Keeper: the committed state, and the one way to change it. Checkpoints and
// upkeep run side by side; their commits are made one after the other here.
package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

type keeper struct {
	deps *Deps

	mu        sync.Mutex // held over a commit and the install after it
	committed state.Meta

	facts struct { // of the last committed checkpoint
		sync.Mutex
		clocks []event.Time
		zones  map[event.PropertyID]knownZone
		shared map[string]*window.Zone // by name: many properties are in one zone
	}
}

// knownZone is a property's zone by its definition of that version.
type knownZone struct {
	zone    *window.Zone
	name    string
	version uint64
}

func newKeeper(m state.Meta, deps *Deps) *keeper {
	k := &keeper{deps: deps, committed: m}
	k.facts.zones, k.facts.shared = map[event.PropertyID]knownZone{}, map[string]*window.Zone{}
	return k
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
	next.Manifest = cloneManifest(next.Manifest)
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

func cloneManifest(m store.Manifest) store.Manifest {
	m.Segments = slices.Clone(m.Segments)
	m.FinalUntil = maps.Clone(m.FinalUntil)
	m.DayVersion = maps.Clone(m.DayVersion)
	m.Rollups = maps.Clone(m.Rollups)
	m.Kept = maps.Clone(m.Kept)
	if m.FinalUntil == nil {
		m.FinalUntil = map[event.PropertyID]event.Time{}
	}
	if m.Rollups == nil {
		m.Rollups = map[event.PropertyID][]store.RollupRange{}
	}
	if m.DayVersion == nil {
		m.DayVersion = map[event.PropertyID]uint64{}
	}
	return m
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
		for id, b := range f.Definitions {
			d := &event.Definition{}
			if err := proto.Unmarshal(b, d); err != nil {
				panic("BUG: a definition just encoded does not decode: " + err.Error())
			}
			// A partition may not have come to the latest definition yet.
			if known := k.facts.zones[id]; known.zone != nil && known.version >= d.Version {
				continue
			}
			z := k.facts.shared[d.TimeZone]
			if z == nil {
				var err error
				if z, err = window.LoadZone(d.TimeZone); err != nil {
					continue
				}
				k.facts.shared[d.TimeZone] = z
			}
			k.facts.zones[id] = knownZone{z, d.TimeZone, d.Version}
		}
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

// endOfDay returns where the property's local day in which t lies ends; after t
// if the zone is not known yet.
func (k *keeper) endOfDay(id event.PropertyID, t event.Time) event.Time {
	k.facts.Lock()
	defer k.facts.Unlock()
	z := k.facts.zones[id].zone
	if z == nil {
		return t
	}
	return z.StartOfDay(z.LocalDay(t) + 1)
}

// startOfDay returns the start of the property's local day in which t lies.
func (k *keeper) startOfDay(id event.PropertyID, t event.Time) (event.Time, bool) {
	k.facts.Lock()
	defer k.facts.Unlock()
	z := k.facts.zones[id].zone
	if z == nil {
		return 0, false
	}
	return z.StartOfDay(z.LocalDay(t)), true
}

// daysBefore returns the start of the property's local day that lies n days before that
// in which t lies; false if the zone is not known yet.
func (k *keeper) daysBefore(id event.PropertyID, t event.Time, n int) (event.Time, bool) {
	k.facts.Lock()
	defer k.facts.Unlock()
	z := k.facts.zones[id].zone
	if z == nil {
		return 0, false
	}
	return z.StartOfDay(z.LocalDay(t) - int32(n)), true
}

// stepsOf returns the name of the property's zone and its offsets within [from,
// to); false if the zone is not known yet.
func (k *keeper) stepsOf(id event.PropertyID, from, to event.Time) (string, store.Zone, bool) {
	k.facts.Lock()
	defer k.facts.Unlock()
	known := k.facts.zones[id]
	if known.zone == nil {
		return "", nil, false
	}
	var steps store.Zone
	for _, s := range known.zone.Steps(from, to) {
		steps = append(steps, store.ZoneStep(s))
	}
	return known.name, steps, true
}
