// Memory: heads and queries share one limit, and rows come first. While rows
// find no memory, no query begins; if that is not enough, those that run are ended, the
// longest first: what takes all memory takes long. A query that finds none ends those that
// were long at it when it began, and tries once more.
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

// errCrowding ends a query whose memory is needed for a younger one.
var errCrowding = fmt.Errorf("%w: it took so much that other reports found none", store.ErrResources)

// pressure lets queries in while no rows need memory.
type pressure struct {
	grace, patience time.Duration

	mu      sync.Mutex
	pressed int           // how many writers look for memory
	relief  chan struct{} // closed once none does; nil if none does
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
	q := &query{began: time.Now(), end: cancel, ended: make(chan struct{})}
	p.running[id] = q
	return ctx, func() {
		p.mu.Lock()
		delete(p.running, id)
		p.mu.Unlock()
		cancel(nil)
		close(q.ended)
	}, nil
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

// insist calls try again while it fails for want of memory: first until some
// query ends, then after ending those that have run for the grace, then after ending all, and not
// for longer than the patience.
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
		switch waited := time.Since(began); {
		case waited >= 2*p.grace:
			p.endOlder(time.Now(), errPressed)
		case waited >= p.grace:
			p.endOlder(time.Now().Add(-p.grace), errPressed)
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
