// Package memnode keeps leases in memory: for an installation that is one process,
// and for tests.
//
// Concurrency: all methods may be called from any goroutine.
package memnode

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/node"
)

// Registry keeps leases. Handles of a test share one.
type Registry struct {
	mu     sync.Mutex
	leases map[string]node.Lease
	last   uint64 // incarnation
	held   map[string]time.Time
}

var _ node.Registry = (*Registry)(nil)

// New returns a Registry without nodes.
func New() *Registry { return &Registry{leases: map[string]node.Lease{}, held: map[string]time.Time{}} }

// Register implements node.Registry.
func (r *Registry) Register(ctx context.Context, n node.Node) (node.Lease, error) {
	n, err := n.Normal()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return node.Lease{}, fmt.Errorf("register node: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	lease := node.Lease{Node: n, Incarnation: r.last}
	r.leases[n.ID] = lease
	return lease, nil
}

// Renew implements node.Registry.
func (r *Registry) Renew(ctx context.Context, id string, incarnation uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	lease, found := r.leases[id]
	err := ctx.Err()
	switch {
	case err != nil:
	case !found:
		err = node.ErrEvicted
	case lease.Incarnation != incarnation:
		err = node.ErrReplaced
	}
	if err != nil {
		return fmt.Errorf("renew lease of node %s: %w", id, err)
	}
	lease.Renewals++
	r.leases[id] = lease
	return nil
}

// Deregister implements node.Registry.
func (r *Registry) Deregister(ctx context.Context, id string, incarnation uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases[id].Incarnation == incarnation {
		delete(r.leases, id)
	}
	return ctx.Err()
}

// Evict implements node.Registry.
func (r *Registry) Evict(ctx context.Context, seen node.Lease) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have, found := r.leases[seen.ID]
	if !found || have.Incarnation != seen.Incarnation || have.Renewals != seen.Renewals {
		return false, ctx.Err()
	}
	delete(r.leases, seen.ID)
	return true, ctx.Err()
}

// Leases implements node.Source.
func (r *Registry) Leases(ctx context.Context) ([]node.Lease, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []node.Lease
	for _, lease := range r.leases {
		all = append(all, lease)
	}
	node.SortLeases(all)
	return all, ctx.Err()
}

// Close implements node.Registry.
func (r *Registry) Close() error { return nil }

// Hold implements node.Backlogs.
func (r *Registry) Hold(ctx context.Context, id string, oldest time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("note what node %s holds: %w", id, err)
	}
	if id == "" {
		return fmt.Errorf("note what a node holds: no id: %w", node.ErrInvalid)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[id] = oldest.UTC().Truncate(time.Microsecond)
	return nil
}

// Release implements node.Backlogs.
func (r *Registry) Release(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("note that node %s holds nothing: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, id)
	return nil
}

// OldestHeld implements node.Backlogs.
func (r *Registry) OldestHeld(ctx context.Context) (oldest time.Time, id string, some bool, err error) {
	if err := ctx.Err(); err != nil {
		return oldest, "", false, fmt.Errorf("ask what nodes hold: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for of, t := range r.held {
		if !some || t.Before(oldest) || t.Equal(oldest) && of < id {
			oldest, id, some = t, of, true
		}
	}
	return oldest, id, some, nil
}
