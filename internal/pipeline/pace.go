// Pace: rounds under a steady trickle are worth their overhead.
package pipeline

import (
	"context"
	"time"
)

// fullRound is how many records make a round worth its overhead: the store
// appends in vectors of that size.
const fullRound = 2048

// pace waits after a small round, so that the next one is larger. After a rest
// there is nothing to wait for: the first event is visible at once. It is about
// cost only: what is folded does not depend on it.
func (p *Processor) pace(ctx context.Context, n int, began time.Time) {
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
