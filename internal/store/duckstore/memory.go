// Memory: queries share one limit. One that finds none ends those that were long at it when
// it began, for what takes all memory takes long, and tries once more. Rows are not
// concerned: heads have memory of their own.
package duckstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/store"
)

const (
	// pressGrace is how much longer than the caller a query must have run to be ended.
	pressGrace = time.Second
	// pressPatience is how long the caller waits for those that were ended.
	pressPatience = 8 * time.Second
)

// errCrowding ends a query whose memory is needed for a younger one.
var errCrowding = fmt.Errorf("%w: it took so much that other reports found none", store.ErrResources)

// pressure knows the queries that run.
type pressure struct {
	grace, patience time.Duration

	mu      sync.Mutex
	running map[int]*query
	next    int
}

// query is one that runs.
type query struct {
	began time.Time
	end   context.CancelCauseFunc
	ended chan struct{}
}

func newPressure() *pressure {
	return &pressure{grace: pressGrace, patience: pressPatience, running: map[int]*query{}}
}

// admit notes that a query begins. It runs with the context that is returned and
// calls done at its end.
func (p *pressure) admit(ctx context.Context) (running context.Context, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	id := p.next
	p.next++
	q := &query{began: time.Now(), end: cancel, ended: make(chan struct{})}
	p.running[id] = q
	return ctx, func() {
		p.mu.Lock()
		delete(p.running, id)
		p.mu.Unlock()
		cancel(nil)
		close(q.ended)
	}
}

// makeRoom ends the queries that had run for the grace when the caller's began, waits until they
// have ended, and tells whether there were any.
func (p *pressure) makeRoom(ctx context.Context, began time.Time) bool {
	crowding := p.endOlder(began.Add(-p.grace), errCrowding)
	patience := time.NewTimer(p.patience)
	defer patience.Stop()
	for _, q := range crowding {
		select {
		case <-q.ended:
		case <-patience.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return len(crowding) > 0
}

// endOlder ends the queries that began before a time, and returns them.
func (p *pressure) endOlder(than time.Time, why error) (ended []*query) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.running {
		if q.began.Before(than) {
			q.end(why)
			ended = append(ended, q)
		}
	}
	return ended
}
