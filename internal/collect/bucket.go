// bucket: so many things per second.
package collect

import (
	"sync"
	"time"
)

// bucket allows a number of things per second.
type bucket struct {
	perSecond float64

	mu   sync.Mutex
	left float64
	last time.Time
}

func (b *bucket) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() {
		b.left = b.perSecond
	} else if passed := now.Sub(b.last).Seconds(); passed > 0 {
		b.left = min(b.perSecond, b.left+passed*b.perSecond)
	}
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// giveBack takes back an allow: the thing turned out not to be of the kind that is
// bounded.
func (b *bucket) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.perSecond, b.left+1)
}
