// What a collector holds is told to who answers reports.
package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog/spool"
	"tidemark/internal/node/memnode"
)

func TestWhatASpoolHoldsIsToldD5(t *testing.T) {
	registry := memnode.New()
	ctx := t.Context()
	told := &teller{backlogs: registry, id: "collector-0"}
	heard := &backlogs{registry: registry}
	for _, step := range []struct {
		state spool.State
		want  event.Time // 0: nothing
	}{
		{spool.State{}, 0},
		{spool.State{HasOldest: true, Oldest: 1_000_000}, 1_000_000},
		{spool.State{HasOldest: true, Oldest: 1_000_000}, 1_000_000},
		{spool.State{HasOldest: true, Oldest: 3_000_000}, 3_000_000},
		{spool.State{}, 0},
	} {
		if err := told.tell(ctx, step.state); err != nil {
			t.Fatal(err)
		}
		if err := heard.ask(ctx); err != nil {
			t.Fatal(err)
		}
		if at, some := heard.oldest(); some != (step.want != 0) || some && at != step.want {
			t.Errorf("after %+v: held since %v, %v", step.state, at, some)
		}
	}
}

// TestUntoldIsToldAgain: a note that did not get through is repeated, and one that is there is not written
// again and again.
func TestUntoldIsToldAgain(t *testing.T) {
	registry := &failing{Registry: memnode.New()}
	told := &teller{backlogs: registry, id: "collector-0"}
	holds := spool.State{HasOldest: true, Oldest: 5}
	registry.err = errors.New("away")
	for range 2 {
		if err := told.tell(t.Context(), holds); err == nil {
			t.Error("a note that did not get through is no error")
		}
	}
	registry.err = nil
	for range 3 {
		if err := told.tell(t.Context(), holds); err != nil {
			t.Error(err)
		}
	}
	if registry.calls != 3 {
		t.Errorf("%d notes, want two that failed and one", registry.calls)
	}
}

// failing is a registry that is away at times.
type failing struct {
	*memnode.Registry
	err   error
	calls int
}

func (f *failing) Hold(ctx context.Context, id string, oldest time.Time) error {
	f.calls++
	if f.err != nil {
		return f.err
	}
	return f.Registry.Hold(ctx, id, oldest)
}
