// Pace: rounds under a steady trickle are worth their overhead.
package pipeline

import (
	"context"
	"time"
)

// fullRound is how many records make a round worth its overhead: the store
// appends in vectors of that size.
const fullRound = 2048

// Under pressure a round is begun when the pressure ends, or after yieldMost:
// acknowledging events goes before showing them, and the log keeps what waits.
// Freshness says how far reports have come meanwhile (S27).
const (
	yieldMost  = time.Second
	yieldCheck = 10 * time.Millisecond
)

func (p *Processor) yield(ctx context.Context) {
	if p.deps.Pressed == nil {
		return
	}
	until := time.Now().Add(yieldMost)
	check := time.NewTicker(yieldCheck)
	defer check.Stop()
	for p.deps.Pressed() && time.Now().Before(until) {
		select {
		case <-check.C:
		case <-ctx.Done():
			return
		}
	}
}

// pace waits after a small round, so that the next one is larger. After a rest
// there is nothing to wait for: the first event is visible at once. It is about
// cost only: what is folded does not depend on it.
func (p *Processor) pace(ctx context.Context, n int, began time.Time) {
	p.yield(ctx)
	if n == 0 || n >= fullRound {
		return
	}
	wait := time.NewTimer(p.cfg.RoundInterval - time.Since(began))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}
