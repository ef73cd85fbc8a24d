// Slots: how many queries run at once, over all and per property (D8).
package duckstore

import (
	"context"
	"sync"

	"tidemark/internal/event"
)

// slots hands out the right to run a query. A property that uses up its share
// waits for its own queries only; others go on.
type slots struct {
	all         chan struct{}
	perProperty int

	mu    sync.Mutex
	queue map[event.PropertyID]*propertySlots
}

// propertySlots are the slots of one property while any are asked for.
type propertySlots struct {
	c     chan struct{}
	users int // takers and waiters; guarded by slots.mu
}

func newSlots(n int) *slots {
	return &slots{
		all:         make(chan struct{}, n),
		perProperty: max(1, n/2),
		queue:       map[event.PropertyID]*propertySlots{},
	}
}

// take waits for a slot of p. The slot is free again once free is called.
func (s *slots) take(ctx context.Context, p event.PropertyID) (free func(), err error) {
	own := s.join(p)
	select {
	case own.c <- struct{}{}:
	case <-ctx.Done():
		s.leave(p, own)
		return nil, ctx.Err()
	}
	select {
	case s.all <- struct{}{}:
	case <-ctx.Done():
		<-own.c
		s.leave(p, own)
		return nil, ctx.Err()
	}
	return func() {
		<-s.all
		<-own.c
		s.leave(p, own)
	}, nil
}

func (s *slots) join(p event.PropertyID) *propertySlots {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.queue[p]
	if own == nil {
		own = &propertySlots{c: make(chan struct{}, s.perProperty)}
		s.queue[p] = own
	}
	own.users++
	return own
}

func (s *slots) leave(p event.PropertyID, own *propertySlots) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(s.queue, p)
	}
}
