// The story of a shared store that is kept: what steps there are, and what it tells after each of them.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// keptStep is one step of the upkeep of keptStory.
type keptStep struct {
	name string
	do   func(k store.Keeper) error
}

var utc = localZone{name: "UTC", steps: store.Zone{{}}}

// storyErasures are the ones that are in the story's log.
func storyErasures() []store.Erasure {
	return []store.Erasure{{Property: 1, ClientID: "anna", Before: 250}}
}

// keptStory is what happens to four people of four days, of whom one is erased and comes back.
func keptStory() []keptStep {
	ctx := context.Background()
	days := map[event.PropertyID]event.Time{1: firstDay + 3*dayMicros}
	rollUp := func(k store.Keeper) error {
		return rollUpBy(k, 1, firstDay, firstDay+3*dayMicros, utc.name, utc.steps)
	}
	return []keptStep{
		{"finalize", func(k store.Keeper) error { return k.Finalize(ctx, days) }},
		{"roll up", rollUp},
		{"erase", func(k store.Keeper) error {
			_, err := k.Erase(ctx, storyErasures(), 99, utc.around)
			return err
		}},
		{"roll up again", rollUp},
		{"drop", func(k store.Keeper) error {
			return k.DropRows(ctx, []store.RollupSpan{{Property: 1, From: firstDay, To: firstDay + dayMicros, Zone: utc.steps}})
		}},
		{"tidy", func(k store.Keeper) error { return k.Tidy(ctx) }},
	}
}

// begin fills the story's days.
func (w *sharedWorld) begin() {
	w.t.Helper()
	for i, who := range []string{"anna", "berta", "anna", "carla"} {
		id := w.batchID(3)
		b := &store.SharedBatch{Batch: *person(event.RowID(100*(i+1)), who, "user-of-"+who, firstDay+event.Time(i)*dayMicros+hourMicros),
			Outcomes: map[event.PropertyID]ledger.Outcomes{1: {Stored: 2}}}
		if i == 2 { // she was erased before she came back
			b.Erasures = storyErasures()
		}
		if err := w.store.Insert(context.Background(), id, b); err != nil {
			w.t.Fatal(err)
		}
		w.publish(w.store, id)
	}
}

// tells is what the store answers over the story.
func (w *sharedWorld) tells() string {
	w.t.Helper()
	sn := w.snapshot()
	defer sn.Release()
	var out strings.Builder
	for _, r := range []store.Relation{store.Events, store.Sessions, store.EventSessions} {
		for _, from := range []event.Time{firstDay, firstDay + dayMicros, firstDay + dayMicros + hourMicros} {
			p := byPath(r)
			p.From, p.To, p.Zone, p.ZoneName, p.Users = from, firstDay+5*dayMicros, utc.steps, utc.name, store.SketchedUsers
			p.Dimensions = append(p.Dimensions, store.Dimension{Column: store.ColTime, Bucket: store.Date})
			if r == store.Events {
				p.Aggregates = append(p.Aggregates, store.Aggregate{Op: store.DistinctUsers})
			}
			rows, err := sn.Run(context.Background(), p)
			var gone *store.GoneError
			if err != nil && !errors.As(err, &gone) {
				w.t.Fatalf("run: %v", err)
			}
			fmt.Fprintf(&out, "%d from %v: %s%v\n", r, from, print(rows, err), err)
		}
	}
	for _, who := range []string{"anna", "berta", "carla"} {
		clients, err := sn.ClientsOf(context.Background(), 1, "user-of-"+who)
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&out, who, clients)
	}
	o, err := w.store.Outcomes(context.Background(), 1)
	if err != nil {
		w.t.Fatal(err)
	}
	fmt.Fprintln(&out, "stored", o.Stored, "erased", o.Erased)
	return out.String()
}

// chapters are what the reference tells before each step, and after the last one.
func chapters(t *testing.T) []string {
	t.Helper()
	ref := newKeptWorldNamed(t, refKit{}, "reference")
	ref.begin()
	out := []string{ref.tells()}
	for _, step := range keptStory() {
		if err := step.do(ref.keeper); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		out = append(out, ref.tells())
	}
	if out[0] != out[1] || out[1] != out[2] || out[2] == out[3] || out[4] == out[5] || out[5] != out[6] {
		t.Fatalf("the story is not one: %q", out)
	}
	return out
}

// storyAt is a world in which the steps before one are done.
func storyAt(t *testing.T, kit SharedKit, at int, name string) *sharedWorld {
	t.Helper()
	w := newKeptWorldNamed(t, kit, t.Name()+"/"+name)
	w.begin()
	for _, step := range keptStory()[:at] {
		if err := step.do(w.keeper); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	return w
}

func (w *sharedWorld) mustTell(when, want string) {
	w.t.Helper()
	if got := w.tells(); got != want {
		w.t.Fatalf("%s: got\n%swant\n%s", when, got, want)
	}
}
