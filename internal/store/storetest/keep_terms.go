// Terms and steps that do not come to their end (U5, U6).
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// testInterruptedSteps: each request of each step fails once, before and after it is carried out, and the same keeper
// or one of a later term goes on.
func testInterruptedSteps(t *testing.T, kit SharedKit) {
	want, skip := chapters(t), sampled(t, kit)
	for at, step := range keptStory() {
		for _, fault := range []Fault{FailBefore, FailAfter} {
			for _, later := range []bool{false, true} {
				if skip() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/later=%v", step.name, fault, later), func(t *testing.T) {
					interruptStep(t, storyAt(t, kit, at, "w"), at, fault, later, want)
				})
			}
		}
	}
}

// Sampler is a kit whose store is so slow that a run of the suite takes one in so many of the cases of terms and of interrupted
// steps, others each time.
type Sampler interface{ OneIn() int }

// sampled returns what leaves out cases at random.
func sampled(t *testing.T, kit SharedKit) (skip func() bool) {
	s, ok := kit.(Sampler)
	if !ok {
		return func() bool { return false }
	}
	seed, n := uint64(time.Now().UnixNano()), 0
	t.Logf("cases of seed %d", seed)
	first := int(seed % uint64(s.OneIn()))
	return func() bool { n++; return (n-1)%s.OneIn() != first }
}

func interruptStep(t *testing.T, w *sharedWorld, at int, fault Fault, later bool, want []string) {
	f := &Faults{}
	faulty := w.another(f)
	w.keep(faulty)
	step := keptStory()[at]
	requests := 0
	for n := 1; ; n++ {
		f.Arm(n, func() Fault { return fault })
		err := step.do(w.keeper)
		if f.Armed() {
			if err != nil {
				t.Fatalf("request %d did not fail, and the step did: %v", n, err)
			}
			break
		}
		requests++
		if told := w.tells(); told != want[at] && told != want[at+1] {
			t.Fatalf("request %d failed (%v), and the store tells\n%s\nwhich is neither\n%s\nnor\n%s", n, err, told, want[at], want[at+1])
		}
		if err == nil {
			w.mustTell(fmt.Sprintf("request %d failed, and the step did not", n), want[at+1])
		}
		if later {
			w.keep(faulty)
		}
	}
	w.mustTell("repeated", want[at+1])
	f.Arm(0, nil)
	for i, next := range keptStory()[at+1:] {
		if err := next.do(w.keeper); err != nil {
			t.Fatalf("%s: %v", next.name, err)
		}
		w.mustTell(next.name, want[at+i+2])
	}
	if requests == 0 {
		t.Error("no request failed")
	}
}

// testEarlierTerm: a keeper stands still at some request of a step, another one begins a later term and does
// the step and those after it, and then the first one goes on.
func testEarlierTerm(t *testing.T, kit SharedKit) {
	want, skip := chapters(t), sampled(t, kit)
	for at := range keptStory() {
		for further := range 2 {
			if skip() {
				continue
			}
			for n, more := 1, 1; ; n, more = n+more, n {
				if !overtake(t, kit, at, at+further, n, want) {
					if n == 1 {
						t.Errorf("%s has no request", keptStory()[at].name)
					}
					break
				}
			}
		}
	}
}

// overtake tells whether the step has an n-th request.
func overtake(t *testing.T, kit SharedKit, at, until, n int, want []string) (has bool) {
	steps := keptStory()
	until = min(until, len(steps)-1)
	step := steps[at]
	t.Run(fmt.Sprintf("%s until %s at request %d", step.name, steps[until].name, n), func(t *testing.T) {
		w := storyAt(t, kit, at, "w")
		f := &Faults{}
		w.keep(w.another(f))
		first := w.keeper
		f.Arm(n, func() Fault {
			w.keep(w.store)
			for _, s := range steps[at : until+1] {
				if err := s.do(w.keeper); err != nil {
					t.Errorf("%s of the later term: %v", s.name, err)
				}
			}
			return NoFault
		})
		err := step.do(first)
		if has = !f.Armed(); !has {
			return
		}
		if err != nil && !errors.Is(err, store.ErrTermOver) {
			t.Errorf("overtaken: got %v, want %v", err, store.ErrTermOver)
		}
		w.mustTell("overtaken", want[until+1])
		for _, s := range steps {
			err := s.do(first)
			if !errors.Is(err, store.ErrTermOver) && (s.name != "tidy" || err != nil) {
				t.Errorf("%s of the earlier term: got %v, want %v", s.name, err, store.ErrTermOver)
			}
		}
		w.mustTell("the earlier term tried everything", want[until+1])
		for i, s := range steps[until+1:] {
			if err := s.do(w.keeper); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			w.mustTell(s.name, want[until+i+2])
		}
		w.reopen()
		w.mustTell("at last", want[len(steps)])
	})
	return has && !t.Failed()
}

func testTerms(t *testing.T, kit SharedKit) {
	w := newKeptWorld(t, kit)
	ctx := context.Background()
	if _, err := w.store.Keep(ctx, 0); err == nil {
		t.Error("a term 0 began")
	}
	other := w.another(nil)
	k, err := other.Keep(ctx, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Keep(ctx, 6); !errors.Is(err, store.ErrTermOver) {
		t.Errorf("an earlier term: got %v, want %v", err, store.ErrTermOver)
	}
	again, err := w.store.Keep(ctx, 7)
	if err != nil {
		t.Fatalf("the same term: %v", err)
	}
	if err := k.Finalize(ctx, map[event.PropertyID]event.Time{1: firstDay}); err != nil && !errors.Is(err, store.ErrTermOver) {
		t.Errorf("two of one term: %v", err)
	}
	if err := again.Finalize(ctx, map[event.PropertyID]event.Time{1: firstDay + dayMicros}); err != nil {
		t.Errorf("the same term goes on: %v", err)
	}
	later, err := w.ofLog("suite-2", nil).Keep(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Finalize(ctx, map[event.PropertyID]event.Time{1: firstDay + 3*dayMicros}); err != nil {
		t.Error(err)
	}
	if got := later.Manifest().FinalUntil[1]; got != firstDay+3*dayMicros {
		t.Errorf("final until %v", got)
	}
	closed := w.another(nil)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Keep(ctx, 9); err == nil {
		t.Error("a closed store is kept")
	}
}
