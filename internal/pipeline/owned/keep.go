// Keep: who owns the first partition keeps the store beside its batches: days become final, get cells, lose the rows of
// who was erased and of what is not kept any longer (S28 to S30).
package owned

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/pipeline/due"
	"tidemark/internal/store"
)

// keepsStore is the partition whose owner keeps the store, with its epoch as the term: epochs grow
// from owner to owner.
const keepsStore = event.Partition(0)

const (
	// erasuresAtOnce bounds the clients of one Erase: their list is part of its statements.
	erasuresAtOnce = 10_000
	// A step takes one day, and more while it is quick, up to manyDays: its fixed costs are then spread over more rows.
	manyDays  = 14
	quickStep = 5 * time.Second
)

// upkeep is one term.
type upkeep struct {
	o      *owner
	ctx    context.Context
	keeper store.Keeper
	days   int // that a step takes
}

// keepStore keeps the store until the function that it returns is called, which waits for the end.
func (o *owner) keepStore() (stop func()) {
	ctx, cancel := context.WithCancel(o.ctx)
	ended, over := make(chan struct{}), make(chan struct{})
	o.termOver = over
	u := &upkeep{o: o, ctx: ctx, days: 1}
	go func() {
		defer close(ended)
		if u.run() {
			close(over)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// isTermOver tells whether upkeep has ended because somebody else keeps the store.
func (o *owner) isTermOver() bool {
	select {
	case <-o.termOver:
		return true
	default:
		return false
	}
}

func (u *upkeep) step(name string) { u.o.step("upkeep: " + name) }

// run does round after round. What fails changes nothing, and is tried again. It returns true if somebody else keeps
// the store.
func (u *upkeep) run() (isOver bool) {
	p := u.o.p
	pause := p.cfg.Pause
	for {
		err := u.round()
		wait := p.cfg.UpkeepInterval
		switch {
		case u.ctx.Err() != nil:
			return false
		case errors.Is(err, store.ErrTermOver):
			// We will be told that the partition is not ours any more, or take it back.
			p.deps.Logger.Info("another node keeps the store", "term", u.o.epoch, "error", err)
			return true
		case err != nil:
			p.tel.failures.WithLabelValues("keep store").Inc()
			p.deps.Logger.Warn("upkeep of the store failed, it will be tried again", "pause", pause, "error", err)
			u.keeper, u.days = nil, 1
			wait, pause = pause, min(2*pause, p.cfg.MaxPause)
		default:
			pause = p.cfg.Pause
		}
		if u.o.sleep(u.ctx, wait) != nil {
			return false
		}
	}
}

// round does what is due and returns when nothing is.
func (u *upkeep) round() (err error) {
	if u.keeper == nil {
		u.step("begin")
		if u.keeper, err = u.o.p.deps.Store.Keep(u.ctx, u.o.epoch); err != nil {
			return fmt.Errorf("begin to keep the store: %w", err)
		}
	}
	began := u.o.p.deps.Clock()
	if err := u.erase(); err != nil {
		return err
	}
	clock, err := u.slowestClock()
	if err != nil {
		return err
	}
	for more := clock != 0; more && u.ctx.Err() == nil; {
		if more, err = u.finalize(clock); err != nil {
			return err
		}
		if err := u.rollUp(); err != nil {
			return err
		}
	}
	// A registry that does not answer keeps rows, and nothing else waits for it.
	dropErr := u.dropRows(clock)
	if errors.Is(dropErr, store.ErrTermOver) {
		return dropErr
	}
	u.step("tidy")
	if err := u.keeper.Tidy(u.ctx); err != nil {
		return errors.Join(dropErr, fmt.Errorf("tidy store: %w", err))
	}
	u.o.p.tel.upkeep.Observe(u.o.p.deps.Clock().Sub(began).Seconds())
	return dropErr
}

// slowestClock returns the least of the published clocks of all partitions of the log; 0 while one has
// published nothing: what it brings may lie on any day.
func (u *upkeep) slowestClock() (event.Time, error) {
	progress, err := u.o.p.deps.Store.Progress(u.ctx)
	if err != nil {
		return 0, fmt.Errorf("read progress of the store: %w", err)
	}
	clocks := make([]event.Time, u.o.p.deps.Log.Partitions())
	for _, p := range progress {
		if int(p.Partition) < len(clocks) {
			clocks[p.Partition] = p.Clock
		}
	}
	return slices.Min(clocks), nil
}

// quick lets steps take more days while they are quick.
func (u *upkeep) quick(began time.Time) {
	if u.o.p.deps.Clock().Sub(began) < quickStep {
		u.days = min(2*u.days, manyDays)
	} else {
		u.days = max(1, u.days/2)
	}
}

// erase removes the rows of clients whose erasure was published. Their batches say that the fold has
// forgotten them.
func (u *upkeep) erase() error {
	of, err := u.keeper.Erasures(u.ctx)
	if err != nil {
		return fmt.Errorf("read erasures: %w", err)
	}
	for some := range slices.Chunk(of, erasuresAtOnce) {
		u.step("erase")
		touched, err := u.keeper.Erase(u.ctx, some, event.TimeOf(u.o.p.deps.Clock()), u.o.zones.Around)
		if err != nil {
			return fmt.Errorf("erase clients: %w", err)
		}
		u.o.p.deps.Logger.Info("clients were erased", "clients", len(some), "properties", len(touched))
	}
	return nil
}

// finalize makes the next days of each property final where they can be, and tells whether it did.
func (u *upkeep) finalize(clock event.Time) (more bool, err error) {
	through := due.FinalThrough(clock)
	open, err := u.keeper.OpenSessions(u.ctx, through)
	if err != nil {
		return false, fmt.Errorf("find open sessions: %w", err)
	}
	m := u.keeper.Manifest()
	until := due.Final(&m, open, through, u.days, u.o.zones)
	if len(until) == 0 {
		return false, nil
	}
	u.step("finalize")
	began := u.o.p.deps.Clock()
	if err := u.keeper.Finalize(u.ctx, until); err != nil {
		return false, fmt.Errorf("make days final: %w", err)
	}
	u.quick(began)
	u.o.p.deps.Logger.Info("days became final", "properties", len(until), "final_through", through)
	return true, nil
}

func (u *upkeep) firstFinal(id event.PropertyID, from, to event.Time) (event.Time, error) {
	first, err := u.keeper.FirstFinal(u.ctx, id, from, to)
	if err != nil {
		return 0, fmt.Errorf("find first final row: %w", err)
	}
	return first, nil
}

// rollUp makes cells until every final day has them.
func (u *upkeep) rollUp() error {
	for u.ctx.Err() == nil {
		m := u.keeper.Manifest()
		made := map[event.PropertyID]store.RollupRange{}
		var spans []store.RollupSpan
		for _, id := range slices.Sorted(maps.Keys(m.FinalUntil)) {
			span, r, ok, err := due.Rollup(&m, id, u.days, u.o.zones, u.firstFinal)
			if err != nil {
				return err
			}
			if ok {
				spans, made[id] = append(spans, span), r
			}
		}
		if len(spans) == 0 {
			return nil
		}
		u.step("roll up")
		began := u.o.p.deps.Clock()
		if err := u.keeper.RollUp(u.ctx, spans, made); err != nil {
			return fmt.Errorf("make rollups: %w", err)
		}
		u.quick(began)
	}
	return u.ctx.Err()
}

// dropRows drops the rows that are due. Only days that have cells may lose their rows.
func (u *upkeep) dropRows(clock event.Time) error {
	if u.o.p.deps.RowDays == nil || clock == 0 {
		return nil
	}
	days, err := u.o.p.deps.RowDays(u.ctx)
	if err != nil {
		return fmt.Errorf("ask for how long rows are kept: %w", err)
	}
	m := u.keeper.Manifest()
	var spans []store.RollupSpan
	for _, id := range slices.Sorted(maps.Keys(days)) {
		span, _, ok, err := due.Drop(&m, id, days[id], clock, u.o.zones, u.firstFinal)
		if err != nil {
			return err
		}
		if ok {
			spans = append(spans, span)
		}
	}
	if len(spans) == 0 {
		return nil
	}
	u.step("drop rows")
	if err := u.keeper.DropRows(u.ctx, spans); err != nil {
		return fmt.Errorf("drop rows: %w", err)
	}
	u.o.p.deps.Logger.Info("rows of old days were dropped", "properties", len(spans))
	return nil
}
