// Run: one life from its seed.
package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/testkit/spec"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options vary how a life is played. The wrappers are where tests plant bugs.
type Options struct {
	// Dir, if set, is where DuckDB keeps its segments; without it the store is in memory.
	Dir string

	WrapFS    func(vfs.FS) vfs.FS
	WrapLog   func(eventlog.Log) eventlog.Log // between collectors and the log
	WrapState func(state.State) state.State
	WrapStore func(store.Store) store.Store
}

// world is one life.
type world struct {
	ctx     context.Context
	options Options
	rng     *rand.Rand
	traffic spec.Traffic
	senders *senders
	machine *machine
	archive *archive
	trace   []string
	// erased: an erasure may be on its way, so rows of its client may still be there.
	erased bool
}

// Run plays the life of a seed. The trace says what happened, also if that was an
// error, which is then a broken promise or the failure of a part that had no reason to fail.
func Run(ctx context.Context, seed uint64, o Options) (trace []string, err error) {
	w := &world{ctx: ctx, options: o, rng: rand.New(rand.NewPCG(seed, 0x7469_6465)), archive: newArchive()}
	defer func() { trace = w.trace }()
	w.traffic = rapid.Custom(spec.RandomTraffic).Example(int(seed >> 1))
	w.senders = newSenders(w.rng, w.traffic)
	w.machine = newMachine(w)
	if err := w.machine.start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	defer w.machine.abandon()
	for w.senders.waiting() {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	return nil, w.end()
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, w.machine.now().Std().Format("2006-01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// step does one thing, perhaps with a fault in it.
func (w *world) step() error {
	w.machine.arm(w.rng)
	var err error
	what := w.rng.IntN(100)
	switch {
	case what < 70:
		if err := w.senders.deliver(w); err != nil {
			return err
		}
	case what < 80:
		w.note("checkpoint")
		err = w.machine.product.Checkpoint(w.ctx)
	case what < 88:
		w.note("checkpoint and upkeep")
		err = w.machine.product.Settle(w.ctx)
	case what < 91:
		w.note("tick")
		err = w.machine.tick(w.ctx)
	case what < 93:
		err = w.erase()
	case what < 95:
		return w.machine.restart()
	case what < 97:
		w.note("power cut")
		w.machine.cut()
	default:
		w.machine.disarm()
		return w.check()
	}
	return w.machine.outcome(err)
}

// erase orders that a client of the traffic be forgotten (S30).
func (w *world) erase() error {
	e := w.traffic.Arrivals[w.rng.IntN(len(w.traffic.Arrivals))]
	w.note("erase client %s of property %d", e.ClientId, e.Property)
	w.erased = true
	return w.machine.append(w.ctx, []*event.Record{{Kind: &event.Record_Erasure{Erasure: &event.Erasure{
		Property: e.Property, ClientId: e.ClientId, IngestTime: int64(w.machine.now())}}}})
}

// check compares everything that can be known now with the oracle.
func (w *world) check() error {
	w.note("check")
	if err := w.machine.catchUp(w.ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if w.erased {
		if err := w.machine.product.Settle(w.ctx); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		w.erased = false
	}
	seen, err := w.records()
	if err != nil {
		return err
	}
	if err := w.senders.judge(seen); err != nil {
		return err
	}
	if len(seen.events) == 0 {
		return nil
	}
	draw := rapid.Custom(func(rt *rapid.T) questions { return questions{spec.RandomQueries(rt, w.traffic)} })
	return w.compare(seen, draw.Example(w.rng.IntN(1<<30)).queries, "while days are young")
}

// end lets time pass until every day is final, and compares all standard reports.
func (w *world) end() error {
	w.machine.disarm()
	if err := w.check(); err != nil {
		return err
	}
	w.machine.advance(10 * 24 * time.Hour)
	w.note("ten days later")
	if err := w.machine.tick(w.ctx); err != nil {
		return fmt.Errorf("tick: %w", err)
	}
	if err := w.machine.catchUp(w.ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if err := w.machine.product.Settle(w.ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	seen, err := w.records()
	if err != nil {
		return err
	}
	if err := w.mustBeFinal(seen); err != nil {
		return err
	}
	return w.compare(seen, spec.StandardQueries(w.traffic), "when days are final")
}
