// Package memintent keeps intents in memory: for tests, and as the plainest
// thing that fulfils the contract. It survives nothing (not I7).
//
// Concurrency: all methods may be called from any goroutine.
package memintent

import (
	"context"
	"errors"
	"slices"
	"sync"

	"tidemark/internal/intent"
)

// Storage is what several Registry of one test share, as processes share a
// database.
type Storage struct {
	mu         sync.Mutex
	partitions map[int]*partition
}

type partition struct {
	progress intent.Progress
	done     []intent.Intent
}

// NewStorage returns an empty Storage.
func NewStorage() *Storage { return &Storage{partitions: map[int]*partition{}} }

// Registry is a handle on a Storage.
type Registry struct{ storage *Storage }

var _ intent.Registry = (*Registry)(nil)

// Open returns a further handle.
func (s *Storage) Open() *Registry { return &Registry{storage: s} }

// Close implements intent.Registry.
func (r *Registry) Close() error { return nil }

// Acquire implements intent.Registry.
func (r *Registry) Acquire(ctx context.Context, number int, node string) (epoch uint64, err error) {
	err = r.with(ctx, number, func(p *partition) error {
		p.progress.Epoch++
		p.progress.Owner = node
		epoch = p.progress.Epoch
		return nil
	})
	return epoch, err
}

// Begin implements intent.Registry.
func (r *Registry) Begin(ctx context.Context, i intent.Intent) error {
	return r.with(ctx, i.Partition, func(p *partition) error { return p.apply(p.progress.Begin(i)) })
}

// Save implements intent.Registry.
func (r *Registry) Save(ctx context.Context, number int, epoch, seq uint64) error {
	return r.with(ctx, number, func(p *partition) error { return p.apply(p.progress.Save(number, epoch, seq)) })
}

// Done implements intent.Registry.
func (r *Registry) Done(ctx context.Context, number int, epoch, seq uint64) error {
	return r.with(ctx, number, func(p *partition) error { return p.apply(p.progress.Finish(number, epoch, seq)) })
}

// Rewind implements intent.Registry.
func (r *Registry) Rewind(ctx context.Context, i intent.Intent) error {
	return r.with(ctx, i.Partition, func(p *partition) error { return p.apply(p.progress.Rewind(i)) })
}

// Progress implements intent.Registry.
func (r *Registry) Progress(ctx context.Context, number int) (progress intent.Progress, err error) {
	err = r.with(ctx, number, func(p *partition) error {
		progress = p.progress
		if progress.Open != nil {
			open := *progress.Open
			progress.Open = &open
		}
		return nil
	})
	return progress, err
}

// History implements intent.Registry.
func (r *Registry) History(ctx context.Context, number int) (all []intent.Intent, err error) {
	err = r.with(ctx, number, func(p *partition) error {
		all = slices.Clone(p.done)
		if p.progress.Open != nil {
			all = append(all, *p.progress.Open)
		}
		return nil
	})
	return all, err
}

func (r *Registry) with(ctx context.Context, number int, f func(p *partition) error) error {
	if number < 0 {
		return errors.Join(intent.ErrInvalid, ctx.Err())
	}
	r.storage.mu.Lock()
	defer r.storage.mu.Unlock()
	p := r.storage.partitions[number]
	if p == nil {
		p = &partition{}
		r.storage.partitions[number] = p
	}
	return errors.Join(ctx.Err(), f(p))
}

func (p *partition) apply(step intent.Step, i intent.Intent, err error) error {
	if err != nil {
		return err
	}
	switch step {
	case intent.Nothing:
	case intent.Insert, intent.Replace:
		p.progress.Open = &i
	case intent.Finish:
		p.progress.Open, p.progress.Last = nil, i
		p.done = append(p.done, i)
		p.done = p.done[max(0, len(p.done)-intent.Kept):]
	case intent.Restart:
		p.progress.Open, p.progress.Last = nil, i
		p.done = []intent.Intent{i}
	}
	return nil
}
