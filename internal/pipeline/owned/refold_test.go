// A store that lost its rows: partitions begin again where the log begins, whatever ends the one who has them do so, and
// afterwards the store is as if nothing had been lost.
package owned

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

// loseStore ends all nodes and puts an empty store in the place of the one there was.
func (l *life) loseStore() {
	for _, n := range l.nodes {
		n.die()
	}
	l.nodes = nil
	l.store = newSharedStore(l.t, l.faults)
}

// refold has all partitions begin again. It dies at a share of its steps, and is tried again.
func (l *life) refold(dies float64) (out []Refolded, steps int) {
	l.t.Helper()
	for p := range event.Partition(partitions) {
		for {
			ctx, die := context.WithCancel(context.Background())
			deps := l.refoldDeps()
			deps.Step = func(event.Partition, string) {
				if steps++; l.rng.Float64() < dies {
					die()
				}
			}
			r, err := Refold(ctx, testConfig("refold"), deps, p)
			die()
			if err == nil {
				out = append(out, r)
				break
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, errAway) {
				l.t.Fatal(err)
			}
		}
	}
	return out, steps
}

func (l *life) refoldDeps() Deps {
	return Deps{Log: l.log, Intents: l.intents, Store: l.store, States: l.states, Logger: slog.New(slog.DiscardHandler)}
}

// waitFolded has one node fold all that there is.
func (l *life) waitFolded() {
	l.t.Helper()
	l.start()
	n := l.nodes[len(l.nodes)-1]
	n.Assign([]event.Partition{0, 1, 2})
	for deadline := time.Now().Add(20 * time.Second); l.behind(); {
		if time.Now().After(deadline) {
			l.t.Fatal("records were not folded")
		}
	}
}

func (l *life) behind() bool {
	progress, err := l.store.Progress(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	by := map[event.Partition]event.Offset{}
	for _, p := range progress {
		by[p.Partition] = p.Next
	}
	for p := range event.Partition(partitions) {
		if by[p] < l.log.End(p) {
			return true
		}
	}
	return false
}

func traffickedLife(t *testing.T, seed uint64) (*life, *traffic.Source) {
	t.Helper()
	l := newLife(t, seed)
	cfg := traffic.DefaultConfig()
	cfg.Seed, cfg.Clients, cfg.Rate = seed, 40, 0.0006 // some days
	source, err := traffic.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.define(cfg)
	return l, source
}

func (l *life) play(source *traffic.Source, sends int) {
	for range sends {
		l.send(source, l.rng.IntN(20))
		for range l.rng.IntN(4) {
			l.happen()
		}
	}
}

func TestALostStoreIsFoldedAgainAsIfItHadNotBeenLostS26(t *testing.T) {
	again := 0
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			l, source := traffickedLife(t, seed+1000)
			for range 2 { // the second one loses what was folded again
				l.play(source, 30)
				l.loseStore()
				out, _ := l.refold(0.3)
				for p, r := range out {
					if r.From != 0 || r.Forgot {
						t.Errorf("partition %d begins again at %+v, and its log forgot nothing", p, r)
					}
					again += int(r.To)
				}
			}
			l.play(source, 10)
			l.finish()
			if diff := cmp.Diff(l.byOneFold(), l.inStore()); diff != "" {
				t.Errorf("store (-one fold +owners):\n%s", diff)
			}
			l.compareAnswers()
		})
	}
	if again < 3000 {
		t.Errorf("only %d records were to be folded again: the lives are too quiet", again)
	}
}

// A refold that dies before any of its steps is done by the next one.
func TestARefoldThatDiesAnywhereIsDoneByTheNext(t *testing.T) {
	for dieAt, more := 1, true; more; dieAt++ {
		l, source := traffickedLife(t, 7)
		l.faults.heal()
		for range 10 {
			l.send(source, 20)
		}
		l.waitFolded()
		l.loseStore()
		died := 0
		for p := range event.Partition(partitions) {
			ctx, die := context.WithCancel(context.Background())
			step, deps := 0, l.refoldDeps()
			deps.Step = func(event.Partition, string) {
				if step++; step == dieAt {
					died++
					die()
				}
			}
			if _, err := Refold(ctx, testConfig("refold"), deps, p); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			die()
			if err := CheckLost(context.Background(), deps); err != nil {
				t.Fatalf("step %d: %v", dieAt, err)
			}
		}
		more = died > 0
		l.refold(0)
		history, err := l.intents.History(context.Background(), 1)
		if err != nil || len(history) != 1 || !history[0].IsRewind() {
			t.Fatalf("step %d: intents are %+v, %v", dieAt, history, err)
		}
		if _, steps := l.refold(0); steps != 3*partitions { // acquire, open state, publish
			t.Errorf("step %d: what is done takes %d steps when it is repeated", dieAt, steps)
		}
		l.finish()
		if diff := cmp.Diff(l.byOneFold(), l.inStore()); diff != "" {
			t.Errorf("step %d: store (-one fold +owners):\n%s", dieAt, diff)
		}
	}
}

func TestAStoreWithBatchesIsNotFoldedAgain(t *testing.T) {
	l, source := traffickedLife(t, 3)
	l.faults.heal()
	l.send(source, 50)
	l.waitFolded()
	epoch := func() uint64 {
		p, err := l.intents.Progress(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return p.Last.Seq
	}
	before := epoch()
	check := func(when string) {
		t.Helper()
		if err := CheckLost(context.Background(), l.refoldDeps()); !errors.Is(err, ErrNotLost) {
			t.Errorf("%s: %v, want ErrNotLost", when, err)
		}
		if _, err := Refold(context.Background(), testConfig("refold"), l.refoldDeps(), 0); !errors.Is(err, ErrNotLost) {
			t.Errorf("%s: refold: %v, want ErrNotLost", when, err)
		}
	}
	for _, n := range l.nodes {
		n.die()
	}
	check("a store that is there")
	if after := epoch(); after != before {
		t.Errorf("the refused refold changed the intents: %d batches, then %d", before, after)
	}
	// An owner has told the empty store how far it is: what it lacks would never come.
	l.loseStore()
	l.waitFolded()
	l.nodes[0].die()
	check("a processor has worked on the empty store")
	// And one that has gone on behind a refold.
	l.loseStore()
	l.refold(0)
	l.send(source, 5)
	l.waitFolded()
	l.nodes[0].die()
	check("a store that was folded again")
}

// What a batch of before still does when it is all over is not in the store of afterwards.
func TestALateOwnerOfBeforeChangesNothing(t *testing.T) {
	l, source := traffickedLife(t, 4)
	l.faults.heal()
	for range 5 {
		l.send(source, 30)
	}
	l.waitFolded()
	last := l.store.progress[1]
	l.loseStore()
	l.refold(0)
	l.store.mu.Lock() // it does not know of the test's rules
	for id := range l.store.begun {
		if l.store.begun[id] <= last.Seq && id == 1 {
			t.Errorf("partition 1 begins again behind batch %d, and %d was given", l.store.begun[id], last.Seq)
		}
	}
	l.store.mu.Unlock()
	if err := l.store.mem.Publish(context.Background(), last); err != nil {
		t.Fatal(err)
	}
	l.finish()
	if diff := cmp.Diff(l.byOneFold(), l.inStore()); diff != "" {
		t.Errorf("store (-one fold +owners):\n%s", diff)
	}
	l.compareAnswers()
}
