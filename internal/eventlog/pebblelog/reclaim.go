// Reclaim: chapters that lie before the start of every partition are taken out of the database.
//
// Excising drops their files at once. A deletion by range would be a key of its own, before
// everything that is appended, and would have all files between rewritten.
package pebblelog

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// reclaimer takes out what was truncated, in the background.
type reclaimer struct {
	l       *Log
	ctx     context.Context // ends when the log closes
	cancel  context.CancelFunc
	running atomic.Bool // one at a time
}

func newReclaimer(l *Log) *reclaimer {
	ctx, cancel := context.WithCancel(context.Background())
	return &reclaimer{l: l, ctx: ctx, cancel: cancel}
}

// wake reclaims in the background, if there is something.
func (r *reclaimer) wake() {
	if _, _, some := r.l.chapters.behind(r.l.durableStart); some && r.ctx.Err() == nil && r.running.CompareAndSwap(false, true) {
		go r.run()
	}
}

func (r *reclaimer) run() {
	defer r.l.usage.refresh()
	err := r.reclaim()
	r.running.Store(false)
	switch {
	case err == nil:
		r.wake() // more may have come since
	case r.ctx.Err() == nil && r.l.failure() == nil:
		r.l.logger.Warn("event log cannot give truncated space back, the next truncation tries again", "error", err)
	}
}

// reclaim takes out all that it finds. A crash in between leaves chapters that the next
// Open finds again: the starts before which they lie are durable.
func (r *reclaimer) reclaim() error {
	for r.ctx.Err() == nil {
		from, to, some := r.l.chapters.behind(r.l.durableStart)
		if !some {
			return nil
		}
		if err := r.l.isolate(func() error { return r.excise(from, to) }); err != nil {
			return err
		}
		r.l.chapters.forget(to)
	}
	return nil
}

func (r *reclaimer) excise(from, to uint32) error {
	release, err := r.l.enter()
	if err != nil {
		return err
	}
	defer release()
	lower, upper := chapterBounds(from, to)
	if err := r.l.db.Excise(r.ctx, pebble.KeyRange{Start: lower, End: upper}); err != nil {
		return fmt.Errorf("excise chapters %d to %d: %w", from, to-1, err)
	}
	if !r.l.usage.nearlyFull() {
		return nil
	}
	// A file that was written while the chapter was the last has the keys behind the chunks too,
	// and stays for their sake until it is compacted.
	if err := r.l.db.Compact(r.ctx, []byte{kindStart}, []byte{kindCount + 1}, false); err != nil {
		return fmt.Errorf("compact what lies behind the chapters: %w", err)
	}
	return nil
}
