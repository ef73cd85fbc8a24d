// Reclaim: what was truncated gives its disk space back while it is needed.
//
// A truncation writes a range tombstone. Pebble drops files that lie wholly
// below it at once, and the rest when the tombstone comes down the levels with
// what is appended later. A log that is full appends next to nothing, so it
// would keep what it was told to forget. Then the ranges are compacted by hand.
package pebblelog

import (
	"context"
	"sync"
	"sync/atomic"

	"tidemark/internal/event"
)

// reclaimer knows what may still take space although it was truncated.
type reclaimer struct {
	l       *Log
	ctx     context.Context // ends when the log closes
	cancel  context.CancelFunc
	running atomic.Bool // one at a time

	mu   sync.Mutex
	gone map[event.Partition]event.Offset // chunks below were deleted
}

func newReclaimer(l *Log) *reclaimer {
	ctx, cancel := context.WithCancel(context.Background())
	return &reclaimer{l: l, ctx: ctx, cancel: cancel, gone: make(map[event.Partition]event.Offset)}
}

// note remembers a truncation that is durable.
func (r *reclaimer) note(t *truncation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone[t.partition] = max(r.gone[t.partition], t.keepFrom)
}

// take returns one truncation of those noted.
func (r *reclaimer) take() (p event.Partition, below event.Offset, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, below := range r.gone {
		delete(r.gone, p)
		return p, below, true
	}
	return 0, 0, false
}

func (r *reclaimer) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.gone) == 0
}

// wake reclaims in the background, if there is something and it is needed.
func (r *reclaimer) wake() {
	if r.ctx.Err() == nil && r.l.usage.nearlyFull() && !r.idle() && r.running.CompareAndSwap(false, true) {
		go r.run()
	}
}

func (r *reclaimer) run() {
	defer r.l.usage.refresh()
	defer r.running.Store(false)
	for r.ctx.Err() == nil {
		p, below, ok := r.take()
		if !ok {
			return
		}
		if err := r.l.isolate(func() error { return r.compact(p, below) }); err != nil {
			if r.ctx.Err() == nil && r.l.failure() == nil {
				r.l.logger.Warn("event log cannot give truncated space back, the next truncation tries again",
					"partition", p, "error", err)
			}
			return
		}
	}
}

func (r *reclaimer) compact(p event.Partition, below event.Offset) error {
	release, err := r.l.enter()
	if err != nil {
		return err
	}
	defer release()
	return r.l.db.Compact(r.ctx, chunkKey(p, 0), chunkKey(p, below), false)
}
