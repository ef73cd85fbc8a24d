// Snapshots of MemShared, and which rows count.
package storetest

import (
	"cmp"
	"context"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// parts are the published rows that are there now, as young ones.
func (rows *SharedRows) parts() []part {
	return partsOf(rows.visible(), rows.kept.instead, rows.kept.carried, &rows.kept.manifest)
}

// partsOf returns the rows of batches, and what took the place of some, less those of erased clients and of dropped days.
func partsOf(batches []*store.SharedBatch, replaced []part, carried []store.Erasure, m *store.Manifest) []part {
	gone := map[clientOf]bool{}
	for _, b := range batches {
		for _, r := range b.Sessions {
			if slices.ContainsFunc(carried, func(e store.Erasure) bool {
				return e.Property == r.Property && e.ClientID == r.ClientID && r.Client < e.Before
			}) {
				gone[clientOf{r.Property, r.Client}] = true
			}
		}
	}
	var out []part
	for _, b := range batches {
		var rest tableRows
		for _, e := range b.Events {
			if from, _ := m.RowsFrom(e.Property); !gone[clientOf{e.Property, e.Client}] && e.EventTime >= from {
				rest.events = append(rest.events, e)
			}
		}
		for _, s := range b.Sessions {
			if !gone[clientOf{s.Property, s.Client}] {
				rest.sessions = append(rest.sessions, s)
			}
		}
		rest.aliases = b.Aliases
		out = append(out, part{rows: rest})
	}
	for _, p := range replaced {
		out = append(out, p.without(gone, m))
	}
	return out
}

// withinTimes lists the times of rows within [from, to), in order.
func withinTimes(rel *relation, from, to event.Time) (out []event.Time) {
	for _, e := range rel.events {
		out = append(out, e.event.EventTime)
	}
	for _, s := range rel.sessions {
		out = append(out, s.Start)
	}
	out = slices.DeleteFunc(out, func(t event.Time) bool { return t < from || t >= to })
	slices.Sort(out)
	return out
}

func countedEvents(rel *relation) (n int) {
	for _, e := range rel.events {
		if e.event.Sub == 0 {
			n++
		}
	}
	return n
}

// lostTimes lists the times of rows that are in one relation and not in the other, in order.
func lostTimes(all, rest *relation, m *store.Manifest, p event.PropertyID) []event.Time {
	rowsFrom, _ := m.RowsFrom(p)
	have := map[[2]uint64]bool{}
	for _, e := range rest.events {
		have[[2]uint64{uint64(e.event.Row), uint64(e.event.Sub)}] = true
	}
	sessions := map[event.RowID]bool{}
	for _, s := range rest.sessions {
		sessions[s.Session] = true
	}
	var out []event.Time
	for _, e := range all.events {
		if !have[[2]uint64{uint64(e.event.Row), uint64(e.event.Sub)}] {
			out = append(out, e.event.EventTime)
		}
	}
	for _, s := range all.sessions {
		if !sessions[s.Session] && s.End >= rowsFrom {
			out = append(out, s.Start)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

// sharedSnapshot is what was visible at a moment, less whoever was erased since (U8).
type sharedSnapshot struct {
	rows     *SharedRows
	young    []*store.SharedBatch
	manifest store.Manifest
	dropped  tableRows
	instead  []part
}

// now is the snapshot as it answers now.
func (sn *sharedSnapshot) now() *memSnapshot {
	sn.rows.mu.Lock()
	carried := sn.rows.kept.carried
	sn.rows.mu.Unlock()
	out := &memSnapshot{manifest: store.Manifest{Kept: sn.manifest.Kept}, parts: partsOf(sn.young, sn.instead, carried, &sn.manifest)}
	out.parts = append(out.parts, part{table: store.KeptCells, rows: sn.dropped})
	return out
}

// Run implements store.Snapshot.
func (sn *sharedSnapshot) Run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	return sn.now().Run(ctx, p)
}

// ClientsOf implements store.Snapshot.
func (sn *sharedSnapshot) ClientsOf(ctx context.Context, p event.PropertyID, userID string) ([]string, error) {
	return sn.now().ClientsOf(ctx, p, userID)
}

// Release implements store.Snapshot.
func (sn *sharedSnapshot) Release() {}
