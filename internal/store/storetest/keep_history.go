// Histories with upkeep: the same batches and the same steps on an adapter and on the reference, in any order, with
// snapshots held over them (U5, U7, U8).
package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// keptHistories is how many of rapid's checks play one, of so many steps.
const (
	keptHistories = 12
	keptSteps     = 30
)

func testAnyKeptHistory(t *testing.T, kit SharedKit) {
	n, histories := 0, keptHistories
	if _, slow := kit.(Sampler); slow {
		histories = 4
	}
	total := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > histories && !t.Failed() {
			return
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := newKeptHistory(t, rt, kit)
			h.play()
			for what, times := range h.did {
				total[what] += times
			}
		})
		if t.Failed() {
			rt.Fatalf("history %d", n)
		}
	})
	t.Logf("steps: %v", total)
}

// keptHistory is one history.
type keptHistory struct {
	t     *testing.T
	rt    *rapid.T
	w     *sharedWorld // the adapter's
	ref   *sharedWorld
	rows  *history
	zone  localZone
	final map[event.PropertyID]event.Time
	// numbers of clients that came back after they were erased.
	numbers map[clientOf]event.RowID
	pending []store.Erasure
	// all are the rows of whoever was not erased, as if no day had ever been dropped.
	all tableRows
	// replaced are rows that a replay put in the place of some.
	replaced []part
	sent     []sentBatch
	total    map[event.PropertyID]int64
	held     *heldSnapshot
	did      map[string]int
}

type sentBatch struct {
	id store.BatchID
	b  *store.SharedBatch
}

func newKeptHistory(t *testing.T, rt *rapid.T, kit SharedKit) *keptHistory {
	h := &keptHistory{t: t, rt: rt, rows: &history{t: rt, row: 1000, day: firstDay}, zone: drawZone(rt),
		final: map[event.PropertyID]event.Time{}, numbers: map[clientOf]event.RowID{}, total: map[event.PropertyID]int64{},
		did: map[string]int{}}
	h.w = newKeptWorld(t, kit)
	h.ref = newKeptWorld(t, refKit{})
	return h
}

// refKit opens the reference, by names.
type refKit map[string]*SharedRows

func (k refKit) Open(_ testing.TB, name, log string, faults *Faults) store.Shared {
	if k[name] == nil {
		k[name] = NewSharedRows()
	}
	return NewMemShared(k[name], log, faults)
}

func (k refKit) Crash(testing.TB) {}

func (h *keptHistory) both(f func(w *sharedWorld)) {
	f(h.w)
	f(h.ref)
}

func (h *keptHistory) play() {
	steps := map[string]func(){"send": h.send, "a day ends": h.endDay, "finalize": h.finalize, "roll up": h.rollUp, "order an erasure": h.order,
		"erase": h.erase, "drop": h.drop, "tidy": func() { h.both(func(w *sharedWorld) { w.compact() }) },
		"another node": func() { h.both((*sharedWorld).reopen) }, "insert again": h.insertAgain, "hold": h.hold, "zone": h.changeZone,
		"replay": h.replay}
	names := []string{"send", "send", "send", "send", "a day ends", "a day ends", "finalize", "finalize", "finalize", "roll up", "roll up",
		"roll up", "order an erasure", "erase", "drop", "drop", "tidy", "another node", "insert again", "hold", "hold", "zone", "replay", "replay"}
	h.send()
	for range keptSteps {
		what := rapid.SampledFrom(names).Draw(h.rt, "step")
		steps[what]()
		h.did[what]++
		if h.held != nil {
			h.held.mayFail = h.held.mayFail || what == "erase" || what == "tidy" || what == "another node"
			h.askHeld()
		}
		if h.t.Failed() {
			h.t.Fatalf("after %q", what)
		}
	}
	h.ask(12)
	h.compareAccounts()
}

// insert puts a batch into both, and publishes it.
func (h *keptHistory) insert(p event.Partition, b *store.SharedBatch) {
	var id store.BatchID
	h.both(func(w *sharedWorld) {
		id = w.batchID(p)
		if err := w.store.Insert(context.Background(), id, b); err != nil {
			h.t.Fatalf("insert: %v", err)
		}
		w.publish(w.store, id)
	})
	h.sent = append(h.sent, sentBatch{id, b})
}

func (h *keptHistory) number(p event.PropertyID, client event.RowID) event.RowID {
	if n, again := h.numbers[clientOf{p, client}]; again {
		return n
	}
	return client
}

func (h *keptHistory) send() {
	for p, b := range byClient(h.rows.batch()) {
		shared := &store.SharedBatch{Batch: *b, Outcomes: map[event.PropertyID]ledger.Outcomes{}}
		for i := range b.Events {
			e := &b.Events[i]
			e.Client = h.number(e.Property, e.Client)
			o := shared.Outcomes[e.Property]
			o.Stored++
			shared.Outcomes[e.Property] = o
			h.total[e.Property]++
		}
		for i := range b.Sessions {
			s := &b.Sessions[i]
			if !s.Tombstone {
				s.ClientID = fmt.Sprint("c", s.Client)
			}
			s.Client = h.number(s.Property, s.Client)
		}
		h.all.events = append(h.all.events, b.Events...)
		h.all.sessions = append(h.all.sessions, b.Sessions...)
		h.all.aliases = append(h.all.aliases, b.Aliases...)
		h.insert(p, shared)
	}
}

// endDay: no session of the day can grow any more, so it may become final.
func (h *keptHistory) endDay() {
	h.rows.day += dayMicros
	h.rows.open = nil
}

// days are the midnights up to a time.
func (h *keptHistory) days(until event.Time) []event.Time {
	return slices.DeleteFunc(h.zone.midnights(), func(d event.Time) bool { return d > until })
}

func (h *keptHistory) property() event.PropertyID {
	return event.PropertyID(rapid.IntRange(1, 2).Draw(h.rt, "property"))
}

func (h *keptHistory) finalize() {
	until := map[event.PropertyID]event.Time{}
	for p := event.PropertyID(1); p <= 2; p++ {
		days := slices.DeleteFunc(h.days(h.rows.day), func(d event.Time) bool { return d < firstDay || d <= h.final[p] })
		if len(days) > 0 && rapid.IntRange(0, 3).Draw(h.rt, "finalize it") > 0 {
			until[p] = rapid.SampledFrom(days).Draw(h.rt, "final until")
			h.final[p] = until[p]
		}
	}
	h.both(func(w *sharedWorld) { w.finalize(until) })
	h.compareManifests()
}

func (h *keptHistory) rollUp() {
	h.rollUpOf(h.property(), rapid.IntRange(0, 2).Draw(h.rt, "some days") == 0)
}

// rollUpOf makes cells of all days of p, or of some.
func (h *keptHistory) rollUpOf(p event.PropertyID, some bool) {
	days := h.days(h.final[p])
	if from, gone := h.ref.rowsFrom(p); gone {
		days = slices.DeleteFunc(days, func(d event.Time) bool { return d <= from })
		days = append([]event.Time{from}, days...)
	}
	if len(days) < 2 || h.final[p] == 0 {
		return
	}
	from, to := 0, len(days)-1
	if some {
		from = rapid.IntRange(0, len(days)-2).Draw(h.rt, "roll up from")
		to = rapid.IntRange(from+1, len(days)-1).Draw(h.rt, "roll up to")
	}
	made, err := rangeOf(h.ref.keeper, p, days[from], days[to], h.zone.name)
	if err != nil {
		h.t.Fatal(err)
	}
	first, err := h.w.keeper.FirstFinal(context.Background(), p, math.MinInt64, days[to])
	if err != nil {
		h.t.Fatalf("first final row: %v", err)
	}
	want, _ := h.ref.keeper.FirstFinal(context.Background(), p, math.MinInt64, days[to])
	if first > want {
		h.t.Errorf("before %v there are said to be no rows, and one is at %v", first, want)
	}
	h.both(func(w *sharedWorld) {
		span := store.RollupSpan{Property: p, From: days[from], To: days[to], Zone: h.zone.steps}
		if _, gone := w.rowsFrom(p); gone && from == 0 { // cells of another zone can carry an earlier day
			span.From -= 2 * dayMicros
		}
		if err := w.keeper.RollUp(context.Background(), []store.RollupSpan{span}, map[event.PropertyID]store.RollupRange{p: made}); err != nil {
			h.t.Fatalf("roll up: %v", err)
		}
	})
	h.compareManifests()
}

// order logs the erasure of a client, who comes back as somebody new.
func (h *keptHistory) order() {
	p, client := h.property(), event.RowID(rapid.IntRange(1, 4).Draw(h.rt, "client"))
	before := h.rows.row + 1
	h.rows.row += 8
	e := store.Erasure{Property: p, ClientID: fmt.Sprint("c", client), Before: before}
	h.numbers[clientOf{p, client}] = before + client
	h.rows.open = slices.DeleteFunc(h.rows.open, func(v *sender) bool { return v.property == p && v.session.Client == client })
	h.insert(event.Partition(client%2), &store.SharedBatch{Erasures: []store.Erasure{e}})
	h.pending = append(h.pending, e)
}

func (h *keptHistory) erase() {
	byName := cmpopts.SortSlices(func(a, b store.Erasure) bool { return a.Before < b.Before })
	h.both(func(w *sharedWorld) {
		of, err := w.keeper.Erasures(context.Background())
		if err != nil {
			h.t.Fatalf("erasures: %v", err)
		}
		if diff := cmp.Diff(h.pending, of, byName, cmpopts.EquateEmpty()); diff != "" {
			h.t.Fatalf("erasures to carry out (-want +got):\n%s", diff)
		}
		if _, err := w.keeper.Erase(context.Background(), of, 77, h.zone.around); err != nil {
			h.t.Fatalf("erase: %v", err)
		}
	})
	gone := func(p event.PropertyID, client event.RowID) bool {
		return slices.ContainsFunc(h.all.sessions, func(s store.SessionRow) bool {
			return s.Property == p && s.Client == client && slices.ContainsFunc(h.pending, func(e store.Erasure) bool {
				return e.Property == p && e.ClientID == s.ClientID && client < e.Before
			})
		})
	}
	rest := tableRows{aliases: h.all.aliases}
	for _, e := range h.all.events {
		if !gone(e.Property, e.Client) {
			rest.events = append(rest.events, e)
		}
	}
	for _, s := range h.all.sessions {
		if !gone(s.Property, s.Client) {
			rest.sessions = append(rest.sessions, s)
		}
	}
	for i, p := range h.replaced {
		p.rows.finals = slices.DeleteFunc(slices.Clone(p.rows.finals), func(j joined) bool { return gone(j.event.Property, j.event.Client) })
		p.rows.sessions = slices.DeleteFunc(slices.Clone(p.rows.sessions), func(s store.SessionRow) bool { return gone(s.Property, s.Client) })
		h.replaced[i] = p
	}
	h.all, h.pending = rest, nil
	h.compareManifests()
	h.compareAccounts()
	h.ask(2)
}

func (h *keptHistory) drop() {
	p := h.property()
	h.rollUpOf(p, false)
	m, ref := h.w.keeper.Manifest(), h.ref.keeper.Manifest()
	until, ok := m.Droppable(p, h.zone.name, math.MaxInt64)
	refUntil, refOK := ref.Droppable(p, h.zone.name, math.MaxInt64)
	from, _ := ref.RowsFrom(p)
	days := slices.DeleteFunc(h.days(min(until, refUntil)), func(d event.Time) bool { return d <= from })
	if !ok || !refOK || len(days) == 0 {
		return
	}
	to := rapid.SampledFrom(days).Draw(h.rt, "drop until")
	h.did["drop with rows"]++
	h.both(func(w *sharedWorld) { w.dropRows(p, to, h.zone) })
	h.compareManifests()
	h.ask(2)
}

func (h *keptHistory) changeZone() {
	if rapid.IntRange(0, 3).Draw(h.rt, "change zone") > 0 {
		return
	}
	h.zone = drawZone(h.rt)
	h.zone.name = fmt.Sprint("There ", h.did["zone"])
}

// insertAgain repeats a batch, as its owner or the next one may at any time.
func (h *keptHistory) insertAgain() {
	again := rapid.SampledFrom(h.sent).Draw(h.rt, "again")
	h.both(func(w *sharedWorld) {
		if err := w.store.Insert(context.Background(), again.id, again.b); err != nil {
			h.t.Fatalf("insert again: %v", err)
		}
		w.publish(w.store, again.id)
	})
	h.ask(2)
}
