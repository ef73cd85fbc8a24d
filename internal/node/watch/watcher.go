// Watcher: one source and the health of its nodes, as a view.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tidemark/internal/node"
)

// Deps are what a Watcher works with.
type Deps struct {
	// Source is a Living or DNS. It is asked by one goroutine.
	Source node.Source
	Check  Check
	Logger *slog.Logger
}

// Watcher keeps a view of the nodes.
type Watcher struct {
	deps Deps

	mu      sync.Mutex
	known   bool
	nodes   map[string]*watched
	changed chan struct{} // closed at the next change
	checks  sync.WaitGroup
}

// watched is a node of the view.
type watched struct {
	lease  node.Lease
	health health
	cancel context.CancelFunc // of its checks
}

// NewWatcher returns a Watcher that knows nobody until Run.
func NewWatcher(deps Deps) *Watcher {
	return &Watcher{deps: deps, nodes: map[string]*watched{}, changed: make(chan struct{})}
}

// Run watches until ctx ends, and returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(CheckInterval)
	defer ticker.Stop()
	defer w.checks.Wait()
	answered := true
	for {
		leases, err := w.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			w.take(ctx, leases)
			if !answered {
				w.deps.Logger.Info("source of nodes answers again")
			}
		case answered: // W2
			w.deps.Logger.Warn("source of nodes does not answer, the last view holds", "error", err)
		}
		answered = err == nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *Watcher) ask(ctx context.Context) ([]node.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return w.deps.Source.Leases(ctx)
}

// take makes the view of what the source lists. A process that is new under its
// id, or elsewhere, is checked anew.
func (w *Watcher) take(ctx context.Context, leases []node.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := !w.known
	w.known = true
	listed := map[string]bool{}
	for _, lease := range leases {
		listed[lease.ID] = true
		have := w.nodes[lease.ID]
		if have != nil && have.lease.Incarnation == lease.Incarnation && have.lease.Equal(lease.Node) {
			continue
		}
		if have != nil {
			have.cancel()
		}
		w.nodes[lease.ID] = w.begin(ctx, lease)
		changed = true
	}
	for id, have := range w.nodes {
		if !listed[id] {
			have.cancel()
			delete(w.nodes, id)
			changed = true
		}
	}
	if changed {
		w.announce()
	}
}

func (w *Watcher) begin(ctx context.Context, lease node.Lease) *watched {
	ctx, cancel := context.WithCancel(ctx)
	one := &watched{lease: lease, health: unchecked(), cancel: cancel}
	w.checks.Go(func() { w.check(ctx, one) })
	return one
}

// check asks one node until ctx ends, at once for the first time.
func (w *Watcher) check(ctx context.Context, one *watched) {
	ticker := time.NewTicker(CheckInterval)
	defer ticker.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, CheckDeadline)
		err := w.deps.Check(bounded, one.lease.Node)
		cancel()
		if ctx.Err() != nil {
			return
		}
		w.note(one, err)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Watcher) note(one *watched, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := one.health
	one.health = before.after(err)
	if one.health.routable == before.routable {
		return
	}
	if one.health.routable {
		w.deps.Logger.Info("node is routable", "node", one.lease.ID, "address", one.lease.Address)
	} else {
		w.deps.Logger.Warn("node is not routable", "node", one.lease.ID, "address", one.lease.Address, "error", err)
	}
	w.announce()
}

// announce wakes whoever waits for a change. The lock is held.
func (w *Watcher) announce() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// ErrUnknown: the source has not answered since the start, so nobody is known.
var ErrUnknown = errors.New("the nodes are not known yet")

// View returns who is there. ErrUnknown until the source has answered once.
func (w *Watcher) View() (node.View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		return node.View{}, ErrUnknown
	}
	leases := make([]node.Lease, 0, len(w.nodes))
	for _, one := range w.nodes {
		leases = append(leases, one.lease)
	}
	node.SortLeases(leases)
	var v node.View
	for _, lease := range leases {
		h := w.nodes[lease.ID].health
		v.Nodes = append(v.Nodes, node.Status{Node: lease.Node, Routable: h.routable, Reason: h.reason})
	}
	return v, nil
}

// Changed returns a channel that is closed when the view changes after the call.
func (w *Watcher) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}
