// What a history is asked, and compared with the reference.
package storetest

import (
	"context"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// heldSnapshot is a snapshot with questions that it was asked before.
type heldSnapshot struct {
	got, want store.Snapshot
	plans     []*store.Plan
	// mayFail: what it needs may have been erased or tidied up since.
	mayFail bool
}

func (h *keptHistory) plan() *store.Plan {
	if rapid.IntRange(0, 2).Draw(h.rt, "any plan") == 0 {
		return drawPlan(h.rt, h.rows.day)
	}
	return drawRolledPlan(h.rt, h.zone)
}

func (h *keptHistory) ask(n int) {
	got, want := h.w.snapshot(), h.ref.snapshot()
	defer got.Release()
	defer want.Release()
	for range n {
		p := h.plan()
		// Plain rows first: where they differ, the store is wrong, and not the reference.
		if _, gone := h.ref.rowsFrom(p.Property); !gone && len(h.pending) == 0 {
			rows, err := got.Run(context.Background(), p)
			plain, plainErr := evaluate(p, h.plain(p.Property))
			comparePlan(h.t, p, rows, err, plain, plainErr)
		}
		h.compare(got, want, p, false)
	}
}

func (h *keptHistory) compare(got, want store.Snapshot, p *store.Plan, mayFail bool) {
	h.t.Helper()
	rows, err := got.Run(context.Background(), p)
	if err != nil && mayFail {
		return
	}
	m := want.Manifest()
	if m.CheckRows(p) != nil {
		from, _ := m.RowsFrom(p.Property)
		mustBeGone(h.t, err, from, p)
		return
	}
	right, wantErr := want.Run(context.Background(), p)
	comparePlan(h.t, p, rows, err, right, wantErr)
}

// hold lets go of the snapshot that is held and takes another.
func (h *keptHistory) hold() {
	if h.held != nil {
		h.held.got.Release()
	}
	h.held = &heldSnapshot{got: h.w.snapshot(), want: h.ref.snapshot()}
	h.t.Cleanup(h.held.got.Release)
	for range 3 {
		h.held.plans = append(h.held.plans, h.plan())
	}
	h.askHeld()
}

func (h *keptHistory) askHeld() {
	h.t.Helper()
	for _, p := range h.held.plans {
		h.compare(h.held.got, h.held.want, p, h.held.mayFail)
	}
}

// compareManifests compares what callers decide by.
func (h *keptHistory) compareManifests() {
	h.t.Helper()
	got, want := h.w.keeper.Manifest(), h.ref.keeper.Manifest()
	got.Finals, want.Finals = nil, nil
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		h.t.Errorf("manifest (-reference +store):\n%s", diff)
	}
	sn := h.w.snapshot()
	defer sn.Release()
	if diff := cmp.Diff(want.Kept, sn.Manifest().Kept, cmpopts.EquateEmpty()); diff != "" {
		h.t.Errorf("days without rows of a snapshot (-reference +store):\n%s", diff)
	}
}

func (h *keptHistory) compareAccounts() {
	h.t.Helper()
	for p := event.PropertyID(1); p <= 2; p++ {
		got, err := h.w.store.Outcomes(context.Background(), p)
		if err != nil {
			h.t.Fatal(err)
		}
		want, err := h.ref.store.Outcomes(context.Background(), p)
		if err != nil {
			h.t.Fatal(err)
		}
		if got.Stored+got.Erased != h.total[p] || got != want {
			h.t.Errorf("property %d: stored %d, erased %d of %d; the reference has %d and %d", p, got.Stored, got.Erased, h.total[p],
				want.Stored, want.Erased)
		}
	}
}
