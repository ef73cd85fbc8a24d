// queue: a bound on the bytes that wait for brokers.
package kafkalog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/eventlog"
)

// queue counts bytes. What is larger than the whole gets in when it is empty.
type queue struct {
	limit int64

	mu   sync.Mutex
	used int64
	room chan struct{} // closed when bytes leave; nil if nobody waits
}

// enter waits for room, for a bounded time.
func (q *queue) enter(ctx context.Context, bytes int64, patience time.Duration, closing <-chan struct{}) error {
	var timer *time.Timer
	for {
		q.mu.Lock()
		// Fast path: there is room.
		if q.used == 0 || q.used+bytes <= q.limit {
			q.used += bytes
			q.mu.Unlock()
			return nil
		}
		// Slow path: wait until something has left.
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		if timer == nil {
			timer = time.NewTimer(patience)
			defer timer.Stop()
		}
		select {
		case <-room:
		case <-closing:
			return eventlog.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return fmt.Errorf("wait %v for a place in the queue: %w", patience, eventlog.ErrFull)
		}
	}
}

func (q *queue) leave(bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used -= bytes
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

func (q *queue) bytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used
}
