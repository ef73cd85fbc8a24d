// Attempts: a bound on how often passwords and tokens are tried (D8).
package api

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// attemptBurst tries are free, then one is earned each interval.
	attemptBurst = 10
	// Senders earn faster than the addresses guessed at, so that one person
	// behind a shared network is not locked out for long.
	senderInterval = 6 * time.Second
	emailInterval  = 30 * time.Second
	// maxBuckets bounds memory: when it is reached and none is full again,
	// new names share one bucket.
	maxBuckets = 20_000
	// passwordSlots is how many passwords are checked at once: each takes tens of
	// megabytes and tens of milliseconds by design.
	passwordSlots = 2
)

type attempts struct {
	slots chan struct{}

	mu      sync.Mutex
	buckets map[string]*bucket
	// forgot is when full buckets were last looked for: looking takes a while, and
	// none becomes full in less than an interval.
	forgot time.Time
}

// bucket holds tries that are left.
type bucket struct {
	left     float64
	at       time.Time
	interval time.Duration
}

func newAttempts() *attempts {
	return &attempts{slots: make(chan struct{}, passwordSlots), buckets: map[string]*bucket{}}
}

// slot waits for the right to check one password.
func (a *attempts) slot(ctx context.Context) (release func(), err error) {
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// allow takes one try from the sender and, if given, from the email address.
// When there is none, it says how many seconds to wait.
func (a *attempts) allow(now time.Time, sender netip.Addr, email string) (wait int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := []struct {
		name     string
		interval time.Duration
	}{{"sender " + network(sender), senderInterval}}
	if email != "" {
		const longest = 254
		email = strings.ToLower(strings.TrimSpace(email))
		names = append(names, struct {
			name     string
			interval time.Duration
		}{"email " + email[:min(len(email), longest)], emailInterval})
	}
	for _, n := range names {
		b := a.bucket(now, n.name, n.interval)
		if b.left < 1 {
			return int(((1-b.left)*float64(b.interval))/float64(time.Second)) + 1, false
		}
	}
	for _, n := range names {
		a.bucket(now, n.name, n.interval).left--
	}
	return 0, true
}

func (a *attempts) bucket(now time.Time, name string, interval time.Duration) *bucket {
	b, ok := a.buckets[name]
	if !ok {
		if len(a.buckets) >= maxBuckets && now.Sub(a.forgot) >= senderInterval {
			a.forget(now)
		}
		if len(a.buckets) >= maxBuckets {
			name = "others"
			b = a.buckets[name]
		}
		if b == nil {
			b = &bucket{left: attemptBurst, at: now, interval: interval}
			a.buckets[name] = b
		}
	}
	b.fill(now)
	return b
}

func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(attemptBurst, b.left+float64(passed)/float64(b.interval))
		b.at = now
	}
}

// forget drops buckets that are full again.
func (a *attempts) forget(now time.Time) {
	a.forgot = now
	for name, b := range a.buckets {
		if b.fill(now); b.left >= attemptBurst {
			delete(a.buckets, name)
		}
	}
}

// network is the address, or for IPv6 the /64 that one household has.
func network(addr netip.Addr) string {
	if addr.Is6() {
		p, err := addr.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return addr.String()
}
