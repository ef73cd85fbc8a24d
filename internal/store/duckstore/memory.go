// Memory: heads and queries share one limit, and rows come first. While rows
// find no memory, no query begins; if that is not enough, those that run are ended.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/store"
)

const (
	// pressGrace is how long rows wait for running queries to end by themselves.
	pressGrace = time.Second
	// pressPatience is how long rows look for memory in all. Longer: the log grows
	// meanwhile. Shorter: queries that were ended may not have freed theirs yet.
	pressPatience = 8 * time.Second
)

// errPressed ends a query whose memory is needed for rows.
var errPressed = fmt.Errorf("%w: its memory was needed for new rows", store.ErrResources)

// pressure lets queries in while no rows need memory.
type pressure struct {
	grace, patience time.Duration

	mu      sync.Mutex
	pressed int                             // how many writers look for memory
	relief  chan struct{}                   // closed once none does; nil if none does
	running map[int]context.CancelCauseFunc // what ends each query
	next    int
}

func newPressure() *pressure {
	return &pressure{grace: pressGrace, patience: pressPatience, running: map[int]context.CancelCauseFunc{}}
}

// admit waits until no rows need memory. The query runs with the context that
// is returned and calls done at its end.
func (p *pressure) admit(ctx context.Context) (running context.Context, done func(), err error) {
	for {
		p.mu.Lock()
		if p.pressed == 0 {
			break
		}
		relief := p.relief
		p.mu.Unlock()
		select {
		case <-relief:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	defer p.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	id := p.next
	p.next++
	p.running[id] = cancel
	return ctx, func() {
		p.mu.Lock()
		delete(p.running, id)
		p.mu.Unlock()
		cancel(nil)
	}, nil
}

// press holds new queries back until release is called.
func (p *pressure) press() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pressed++; p.pressed == 1 {
		p.relief = make(chan struct{})
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.pressed--; p.pressed == 0 {
			close(p.relief)
			p.relief = nil
		}
	}
}

// endQueries ends what runs.
func (p *pressure) endQueries() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cancel := range p.running {
		cancel(errPressed)
	}
}

// insist calls try again while it fails for want of memory: first until some
// query ends, then after ending all, and not for longer than the patience.
func (p *pressure) insist(ctx context.Context, try func() error) (again bool, err error) {
	if err = try(); !errors.Is(err, store.ErrResources) {
		return false, err
	}
	release := p.press()
	defer release()
	began := time.Now()
	for wait := 5 * time.Millisecond; errors.Is(err, store.ErrResources); wait = min(2*wait, 100*time.Millisecond) {
		if time.Since(began) >= p.patience {
			return true, err
		}
		if time.Since(began) >= p.grace {
			p.endQueries()
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return true, err
		}
		err = try()
	}
	return true, err
}
