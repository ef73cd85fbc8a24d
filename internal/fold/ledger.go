// Ledger: the fold's side of the account of events (S33), and how late they come.
package fold

import (
	"math/bits"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

func (f *Fold) ledger(p event.PropertyID) *ledger.Outcomes {
	l := f.ledgers[p]
	if l == nil {
		l = &ledger.Outcomes{}
		f.ledgers[p] = l
	}
	return l
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

// LedgerOf returns the account of one property; an empty one if it has none.
func (f *Fold) LedgerOf(p event.PropertyID) *ledger.Outcomes {
	if l := f.ledgers[p]; l != nil {
		return l
	}
	return &ledger.Outcomes{}
}
