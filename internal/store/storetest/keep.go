// RunKeeper: the conformance suite of the upkeep of shared stores (U5 to U8).
package storetest

import (
	"context"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// RunKeeper holds the upkeep of the store of kit to the contract.
func RunKeeper(t *testing.T, kit SharedKit) {
	t.Helper()
	for _, name := range []string{"relations", "filters", "revisions", "zones", "straddle", "users", "final", "final_tombstone",
		"open_sessions"} {
		t.Run("script/"+name, func(t *testing.T) {
			text, err := scripts.ReadFile(path.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			w := newKeptWorld(t, kit)
			datadriven.RunTestFromString(t, keptScript(name, string(text)), w.command)
		})
	}
	for name, test := range map[string]func(*testing.T, SharedKit){
		"T11_dropped_rows_leave_their_cells": func(t *testing.T, kit SharedKit) {
			droppedRowsLeaveTheirCells(t, newKeptWorld(t, kit))
		},
		"T11_days_add_up_after_a_change_of_zone": func(t *testing.T, kit SharedKit) {
			n := 0
			daysAddUpAfterAChangeOfZone(t, func() upkept { n++; return newKeptWorldNamed(t, kit, t.Name()+strings.Repeat("+", n)) })
		},
		"U5_U7_T5_T8_T11_any_history_answers_like_the_reference": testAnyKeptHistory,
		"T1_readers_beside_upkeep_see_no_state_in_between":       testReadersBesideUpkeep,
		"U5_interrupted_steps_are_repeated":                      testInterruptedSteps,
		"U6_an_earlier_term_is_refused_and_harms_nothing":        testEarlierTerm,
		"U6_terms":                           testTerms,
		"U7_manifest_is_what_was_committed":  testKeptManifest,
		"U8_erased_clients_are_in_no_answer": testKeptErasure,
		"U8_erasure_of_many_and_of_nobody":   testKeptErasureOfMany,
		"young_days_keep_their_rows":         testYoungDaysKeepTheirRows,
		"U5_U7_T2_replaced_days":             testReplacedDays,
		"U6_S30_replacement_is_refused":      testReplacementIsRefused,
		"U5_interrupted_replacement":         testInterruptedReplacement,
	} {
		t.Run(name, func(t *testing.T) { test(t, kit) })
	}
}

// keptScript is the part of a script that a shared store can play: what was not checkpointed is not lost there when
// it is opened again, and rows that come too late for their day are no part of its contract.
func keptScript(name, text string) string {
	switch name {
	case "final":
		text, _, _ = strings.Cut(text, "\n# What arrives young")
		return text
	case "final_tombstone":
		return text
	}
	return youngScript(text)
}

func newKeptWorld(t testing.TB, kit SharedKit) *sharedWorld {
	t.Helper()
	return newKeptWorldNamed(t, kit, t.Name())
}

func newKeptWorldNamed(t testing.TB, kit SharedKit, name string) *sharedWorld {
	t.Helper()
	w := &sharedWorld{t: t, kit: kit, name: name, next: map[event.Partition]uint64{}}
	w.store = w.another(nil)
	w.keep(w.store)
	return w
}

// keep begins a later term with s.
func (w *sharedWorld) keep(s store.Shared) {
	w.t.Helper()
	w.term++
	k, err := s.Keep(context.Background(), w.term)
	if err != nil {
		w.t.Fatalf("keep with term %d: %v", w.term, err)
	}
	w.keeper = k
}

func (w *sharedWorld) run(p *store.Plan) (*store.Rows, error) {
	w.t.Helper()
	sn := w.snapshot()
	defer sn.Release()
	return sn.Run(context.Background(), p)
}

func (w *sharedWorld) finalize(until map[event.PropertyID]event.Time) {
	w.t.Helper()
	if err := w.keeper.Finalize(context.Background(), until); err != nil {
		w.t.Fatalf("finalize: %v", err)
	}
}

// rangeOf is what a rollup of [from, to) notes: before the first final row all days have what cells they can have.
func rangeOf(k store.Keeper, p event.PropertyID, from, to event.Time, zone string) (store.RollupRange, error) {
	m := k.Manifest()
	r := store.RollupRange{From: from, To: to, Zone: zone}
	if _, gone := m.RowsFrom(p); gone {
		return r, nil
	}
	first, err := k.FirstFinal(context.Background(), p, math.MinInt64, from)
	if err == nil && first >= from {
		r.From = math.MinInt64
	}
	return r, err
}

func (w *sharedWorld) rollUp(p event.PropertyID, from, to event.Time, name string, zone store.Zone) {
	w.t.Helper()
	if err := rollUpBy(w.keeper, p, from, to, name, zone); err != nil {
		w.t.Fatalf("roll up: %v", err)
	}
}

func rollUpBy(k store.Keeper, p event.PropertyID, from, to event.Time, name string, zone store.Zone) error {
	made, err := rangeOf(k, p, from, to, name)
	if err != nil {
		return err
	}
	return k.RollUp(context.Background(), []store.RollupSpan{{Property: p, From: from, To: to, Zone: zone}},
		map[event.PropertyID]store.RollupRange{p: made})
}

// forget does nothing: only an erasure takes cells away.
func (w *sharedWorld) forget(event.PropertyID, event.Time, event.Time) {}

func (w *sharedWorld) rowsFrom(p event.PropertyID) (event.Time, bool) {
	m := w.keeper.Manifest()
	return m.RowsFrom(p)
}

func (w *sharedWorld) dropRows(p event.PropertyID, until event.Time, z localZone) bool {
	w.t.Helper()
	from, gone := w.rowsFrom(p)
	span := store.RollupSpan{Property: p, From: max(from, firstDay-2*dayMicros), To: until, Zone: z.steps}
	if err := w.keeper.DropRows(context.Background(), []store.RollupSpan{span}); err != nil {
		w.t.Fatalf("drop rows: %v", err)
	}
	after, _ := w.rowsFrom(p)
	return !gone || after != from
}

// compact tidies up, and has nothing more to do.
func (w *sharedWorld) compact() bool {
	w.t.Helper()
	if err := w.keeper.Tidy(context.Background()); err != nil {
		w.t.Fatalf("tidy: %v", err)
	}
	return false
}

// reopen goes on as another process, which keeps the store from here on if somebody did.
func (w *sharedWorld) reopen() {
	w.t.Helper()
	w.store = w.another(nil)
	if w.keeper != nil {
		w.keep(w.store)
	}
}

// around returns the days of a zone around two times.
func (z localZone) around(_ event.PropertyID, first, last event.Time) (from, to event.Time) {
	days := z.midnights()
	from, to = math.MinInt64, math.MaxInt64
	for _, d := range days {
		if d <= first {
			from = d
		}
	}
	if i := slices.IndexFunc(days, func(d event.Time) bool { return d > last }); i >= 0 {
		to = days[i]
	}
	return from, to
}
