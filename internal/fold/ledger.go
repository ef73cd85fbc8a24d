// Ledger: the fold's side of the account of events (S33), and how late they come.
package fold

import (
	"math/bits"
	"time"

	"tidemark/internal/event"
)

// Ledger counts what became of accepted events of one property.
type Ledger struct {
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	TooLate   int64 `json:"too_late"`
	Expired   int64 `json:"expired"`
	Erased    int64 `json:"erased"`
	// Beside the balance.
	Synthetic int64 `json:"synthetic"`
	Unmerged  int64 `json:"unmerged"`
	Overflow  int64 `json:"overflow"`
	Clamped   int64 `json:"clamped"`
	Late      int64 `json:"late"`
}

// Add adds m to l.
func (l *Ledger) Add(m *Ledger) {
	l.Stored += m.Stored
	l.Duplicate += m.Duplicate
	l.TooLate += m.TooLate
	l.Expired += m.Expired
	l.Erased += m.Erased
	l.Synthetic += m.Synthetic
	l.Unmerged += m.Unmerged
	l.Overflow += m.Overflow
	l.Clamped += m.Clamped
	l.Late += m.Late
}

func (f *Fold) ledger(p event.PropertyID) *Ledger {
	l := f.ledgers[p]
	if l == nil {
		l = &Ledger{}
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
