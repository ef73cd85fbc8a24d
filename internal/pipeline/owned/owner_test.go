// What an owner makes of an error that somebody else may be the reason of.
package owned

import (
	"context"
	"errors"
	"fmt"
	"testing"

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
