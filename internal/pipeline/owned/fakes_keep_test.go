// A keeper of the store behind a connection that fails.
package owned

import (
	"context"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

type farKeeper struct {
	store.Keeper
	s    *sharedStore
	term uint64
}

func (s *sharedStore) Keep(ctx context.Context, term uint64) (store.Keeper, error) {
	k := farKeeper{s: s, term: term}
	err := s.faults.around(func() (err error) { k.Keeper, err = s.mem.Keep(ctx, term); return err })
	if err != nil {
		return nil, err
	}
	return k, nil
}

// did notes a step that took effect.
func (k farKeeper) did(step string, err error) error {
	if err != nil {
		return err
	}
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	if k.s.steps[step] == nil {
		k.s.steps[step] = map[uint64]bool{}
	}
	k.s.steps[step][k.term] = true
	return nil
}

func (k farKeeper) Finalize(ctx context.Context, until map[event.PropertyID]event.Time) error {
	return k.s.faults.around(func() error { return k.did("finalize", k.Keeper.Finalize(ctx, until)) })
}

func (k farKeeper) RollUp(ctx context.Context, spans []store.RollupSpan, made map[event.PropertyID]store.RollupRange) error {
	return k.s.faults.around(func() error { return k.did("roll up", k.Keeper.RollUp(ctx, spans, made)) })
}

func (k farKeeper) DropRows(ctx context.Context, spans []store.RollupSpan) error {
	return k.s.faults.around(func() error { return k.did("drop", k.Keeper.DropRows(ctx, spans)) })
}

func (k farKeeper) Tidy(ctx context.Context) error {
	return k.s.faults.around(func() error { return k.did("tidy", k.Keeper.Tidy(ctx)) })
}

func (k farKeeper) Erase(ctx context.Context, of []store.Erasure, at event.Time, days store.DaysAround) (
	touched map[event.PropertyID][2]event.Time, err error) {
	err = k.s.faults.around(func() (err error) {
		touched, err = k.Keeper.Erase(ctx, of, at, days)
		if err == nil {
			k.s.mu.Lock()
			for _, e := range of {
				k.s.erased[e] = true
			}
			k.s.mu.Unlock()
		}
		return k.did("erase", err)
	})
	return touched, err
}
