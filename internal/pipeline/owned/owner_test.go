// What an owner makes of an error that somebody else may be the reason of.
package owned

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/state"
)

// TestMissingStateOfAnOwnerThatWasOvertakenIsNoFault: who has taken over prunes states. The owner before may look for one of
// them, and may be let go before it can ask whether that is why.
func TestMissingStateOfAnOwnerThatWasOvertakenIsNoFault(t *testing.T) {
	missing := fmt.Errorf("fetch state: %w", state.ErrCorrupt)
	for name, is := range map[string]struct {
		overtaken, letGo bool
		want             error
	}{
		"overtaken":            {true, false, intent.ErrFenced},
		"overtaken and let go": {true, true, context.Canceled},
		"let go":               {false, true, context.Canceled},
		"neither":              {false, false, state.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t, 1)
			l.faults.heal()
			l.start()
			p := l.nodes[0].Processor
			o := &owner{p: p, id: 1}
			o.ctx, o.cancel = context.WithCancel(t.Context())
			defer o.cancel()
			var err error
			if o.epoch, err = l.intents.Acquire(t.Context(), int(o.id), "one"); err != nil {
				t.Fatal(err)
			}
			if is.overtaken {
				if _, err := l.intents.Acquire(t.Context(), int(o.id), "another"); err != nil {
					t.Fatal(err)
				}
			}
			if is.letGo {
				o.cancel()
			}
			if err = o.unlessFenced(missing); !errors.Is(err, is.want) {
				t.Fatalf("got error %v, want %v", err, is.want)
			}
			p.fail(o, err)
			select {
			case err := <-p.failed:
				if is.overtaken || is.letGo {
					t.Errorf("the process gives up: %v", err)
				}
			default:
				if !is.overtaken && !is.letGo {
					t.Error("a state that is missing is a fault, and the process goes on")
				}
			}
		})
	}
}

// TestStoreThatWasTakenForAMomentIsKeptAgain: a command takes the term of a partition into which nothing comes, and does not give it
// back: no batch tells the owner, who keeps the store again all the same.
func TestStoreThatWasTakenForAMomentIsKeptAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	l := newLife(t, 1)
	l.faults.heal()
	l.start()
	p := l.nodes[0].Processor
	p.Assign([]event.Partition{keepsStore})
	first := l.tidiedAfter(ctx, 0)
	term, err := l.intents.Acquire(ctx, int(keepsStore), "a command")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.store.Keep(ctx, term); err != nil {
		t.Fatal(err)
	}
	if again := l.tidiedAfter(ctx, term); again <= term || term <= first {
		t.Errorf("terms %d, %d of the command, and %d", first, term, again)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// tidiedAfter waits until the store is kept in a later term, and returns that.
func (l *life) tidiedAfter(ctx context.Context, term uint64) uint64 {
	l.t.Helper()
	for ctx.Err() == nil {
		l.store.mu.Lock()
		for did := range l.store.steps["tidy"] {
			if did > term {
				l.store.mu.Unlock()
				return did
			}
		}
		l.store.mu.Unlock()
		runtime.Gosched()
	}
	l.t.Fatalf("nobody keeps the store after term %d: %v", term, ctx.Err())
	return 0
}
