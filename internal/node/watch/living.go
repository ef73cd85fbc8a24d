// Living: which leases still move (W1).
package watch

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/node"
)

// Life of a lease. Short would evict a node that was busy; long keeps a dead one
// in lists. It does not decide who is routable: health checks are sooner.
const (
	RenewInterval = time.Second
	LeaseLife     = 10 * time.Second
	// oneLook is the most that a lease ages from one sign of life of others to the
	// next: two renewals. Whatever else passed was not watched.
	oneLook = 2 * RenewInterval
)

// Living lists the leases of a registry that are alive as far as this observer
// has seen, and evicts those that are not. It is for one goroutine.
type Living struct {
	registry node.Registry
	elapsed  func() time.Duration

	seen    map[string]*sight
	last    time.Duration // when the database answered last
	started bool
	// unwitnessed is the time in which no lease moved, up to oneLook.
	unwitnessed time.Duration
}

// sight is what was seen of a lease, and for how long it has stood still since.
type sight struct {
	incarnation, renewals uint64
	silence               time.Duration
}

// NewLiving returns a Living over a registry. elapsed is a clock that never jumps;
// nil is that of the process.
func NewLiving(r node.Registry, elapsed func() time.Duration) *Living {
	if elapsed == nil {
		start := time.Now() // holds a reading of the monotonic clock
		elapsed = func() time.Duration { return time.Since(start) }
	}
	return &Living{registry: r, elapsed: elapsed, seen: map[string]*sight{}}
}

var _ node.Source = (*Living)(nil)

// Leases implements node.Source.
func (l *Living) Leases(ctx context.Context) ([]node.Lease, error) {
	listed, err := l.registry.Leases(ctx)
	if err != nil {
		return nil, err
	}
	aged := l.age(listed)
	seen := make(map[string]*sight, len(listed))
	var alive []node.Lease
	for _, lease := range listed {
		s := l.seen[lease.ID]
		if s == nil || s.incarnation != lease.Incarnation || s.renewals != lease.Renewals {
			s = &sight{incarnation: lease.Incarnation, renewals: lease.Renewals}
		} else {
			s.silence += aged
		}
		seen[lease.ID] = s
		if s.silence < LeaseLife {
			alive = append(alive, lease)
			continue
		}
		// It renewed at the last moment, or another observer was faster: both are
		// seen at the next look.
		if _, err := l.registry.Evict(ctx, lease); err != nil {
			return nil, fmt.Errorf("evict silent node: %w", err)
		}
	}
	l.seen = seen
	return alive, nil
}

// age returns by how much a lease has aged that has not moved since the last
// answer.
func (l *Living) age(listed []node.Lease) time.Duration {
	now := l.elapsed()
	passed := now - l.last
	l.last = now
	if !l.started {
		l.started = true
		return 0
	}
	l.unwitnessed = min(l.unwitnessed+passed, oneLook)
	for _, lease := range listed {
		if s := l.seen[lease.ID]; s != nil && s.incarnation == lease.Incarnation && s.renewals != lease.Renewals {
			aged := l.unwitnessed
			l.unwitnessed = 0
			return aged
		}
	}
	return 0
}
