// Ledger: the fold's side of the account of events (S33), and how late they come.
package fold

import (
	"math/bits"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

// account is one property's outcomes: all, and those already taken.
type account struct {
	property event.PropertyID
	ledger.Outcomes
	taken   ledger.Outcomes
	touched bool
}

// ledger returns the outcomes of p, to be added to.
func (f *Fold) ledger(p event.PropertyID) *ledger.Outcomes {
	a := f.accounts[p]
	if a == nil {
		a = &account{property: p}
		f.accounts[p] = a
	}
	if !a.touched {
		a.touched = true
		f.touchedAccounts = append(f.touchedAccounts, a)
	}
	return &a.Outcomes
}

// TakeOutcomes adds to `to` what became of events since it was called last. The
// processor publishes it together with the rows, so that an event counts as
// stored only once it can be seen.
func (f *Fold) TakeOutcomes(to map[event.PropertyID]ledger.Outcomes) {
	for _, a := range f.touchedAccounts {
		sum := to[a.property]
		sum.Add(&a.Outcomes)
		sum.Subtract(&a.taken)
		to[a.property] = sum
		a.taken, a.touched = a.Outcomes, false
	}
	f.touchedAccounts = f.touchedAccounts[:0]
}

// Ledgers returns a copy of all accounts.
func (f *Fold) Ledgers() map[event.PropertyID]ledger.Outcomes {
	out := make(map[event.PropertyID]ledger.Outcomes, len(f.accounts))
	for id, a := range f.accounts {
		out[id] = a.Outcomes
	}
	return out
}

// Lateness is a histogram of IngestTime - EventTime: bucket i holds events that
// came less than 2^i milliseconds late. It is halved as it fills, so it follows
// the traffic.
type Lateness struct {
	buckets [40]float64
	total   float64
}

// latenessMemory is how many events the histogram holds before it halves. Too
// small a memory makes the estimate jump; too large a one makes it slow to follow.
const latenessMemory = 1 << 16

func (h *Lateness) add(late time.Duration) {
	h.buckets[min(bits.Len64(uint64(max(late.Milliseconds(), 0))), len(h.buckets)-1)]++
	h.total++
	if h.total >= latenessMemory {
		h.total = 0
		for i := range h.buckets {
			h.buckets[i] /= 2
			h.total += h.buckets[i]
		}
	}
}

// Within returns a lateness that the given share of recent events stayed under.
func (h *Lateness) Within(share float64) time.Duration {
	sum := 0.0
	for i, n := range h.buckets {
		if sum += n; sum >= share*h.total && h.total > 0 {
			return time.Duration(1<<i) * time.Millisecond
		}
	}
	return 0
}
