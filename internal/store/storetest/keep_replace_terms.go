// Replacements that are refused or interrupted (U5, U6): days are the old ones or the new ones.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/store"
)

// testReplacementIsRefused: nothing is put in the place of days that are not as they were when the rows were read.
func testReplacementIsRefused(t *testing.T, kit SharedKit) {
	w := newReplaceWorld(t, kit, "")
	refused := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	young := w.shadowed("young", 1, day(4), day(6), again(4, 6, "replayed")...)
	if _, err := w.store.(store.Replacer).Prepare(context.Background(), young); err == nil {
		t.Error("a day that is not final was replaced")
	}
	r := w.shadowed("shadow", 1, day(1), day(4), again(1, 4, "replayed")...)
	p, second := w.prepare(r), w.prepare(r)
	early := w.keeper
	w.keep(w.another(nil))
	refused("an earlier term", replaceFinal(early, p, 7), store.ErrTermOver)
	want := w.sources(1)
	// Who was there on a day beside them is erased.
	e := store.Erasure{Property: 1, ClientID: "c1041", Before: 5000}
	id := w.batchID(3)
	if err := w.store.Insert(context.Background(), id, &store.SharedBatch{Erasures: []store.Erasure{e}}); err != nil {
		t.Fatal(err)
	}
	w.publish(w.store, id)
	if got := w.sources(1); got != want {
		t.Fatalf("after a term that ended: %s", got)
	}
	if _, err := w.keeper.Erase(context.Background(), []store.Erasure{e}, 8, utc.around); err != nil {
		t.Fatal(err)
	}
	refused("after an erasure", replaceFinal(w.keeper, p, 9), store.ErrRestated)
	_, err := w.store.(store.Replacer).Prepare(context.Background(), r)
	refused("prepared after an erasure", err, store.ErrRestated)
	// Read once more.
	fresh := *r
	fresh.Was = w.manifest()
	p = w.prepare(&fresh)
	if err := replaceFinal(w.keeper, p, 10); err != nil {
		t.Fatal(err)
	}
	refused("after another replay", replaceFinal(w.keeper, second, 11), store.ErrRestated)
	if m := w.manifest(); len(m.Restated[1]) != 2 {
		t.Errorf("notes: %+v", m.Restated[1])
	}
}

// testInterruptedReplacement: each request fails once, in each way, and the same keeper or one of a later term goes on.
func testInterruptedReplacement(t *testing.T, kit SharedKit) {
	g, skip, stride := "google", sampled(t, kit), 1
	if _, slow := kit.(Sampler); slow {
		stride = 5
	}
	before, after := wantSources(g, g, g, g, g, g), wantSources(g, "replayed", "replayed", g, g, g)
	for _, fault := range []Fault{FailBefore, FailAfter} {
		for _, later := range []bool{false, true} {
			if stride > 1 && skip() {
				continue
			}
			t.Run(fmt.Sprintf("%d/later=%v", fault, later), func(t *testing.T) {
				f := &Faults{}
				w := newReplaceWorld(t, kit, "")
				r := w.shadowed("shadow", 1, day(1), day(3), again(1, 3, "replayed")...)
				faulty := w.another(f)
				var p *store.Prepared
				for n := 1; ; n += stride {
					f.Arm(n, func() Fault { return fault })
					got, err := faulty.(store.Replacer).Prepare(context.Background(), r)
					if err == nil {
						p = got
					}
					if f.Armed() {
						break
					}
					if told := w.sources(1); told != before {
						t.Fatalf("request %d of preparing failed (%v): %s", n, err, told)
					}
				}
				if f.Arm(0, nil); p == nil {
					t.Fatal("never prepared")
				}
				w.keep(faulty)
				for n := 1; ; n += min(stride, 2) {
					f.Arm(n, func() Fault { return fault })
					err := replaceFinal(w.keeper, p, 50)
					if f.Armed() {
						if err != nil {
							t.Fatalf("no request failed: %v", err)
						}
						break
					}
					told := w.sources(1)
					if told != after && (told != before || err == nil) {
						t.Fatalf("request %d failed (%v):\n%s", n, err, told)
					}
					if later {
						w.keep(faulty)
					}
				}
				f.Arm(0, nil)
				w.rollUp(1, firstDay, day(replaceDays), utc.name, utc.steps)
				w.compact()
				if diff := cmp.Diff(after, w.sources(1)); diff != "" {
					t.Errorf("in the end (-want +got):\n%s", diff)
				}
				if m := w.manifest(); len(m.Restated[1]) != 1 {
					t.Errorf("notes: %+v", m.Restated[1])
				}
			})
		}
	}
}
