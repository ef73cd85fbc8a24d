// Lateness: how late recent events came, and the claim of completeness that is made
// of it (S27). It depends on the records read and on nothing else (F1), so that a
// claim can be held against the events that come after it.
package fold

import (
	"math/bits"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

const (
	// latenessMemory is how many events the histogram holds before it halves. Too
	// small a memory makes the estimate jump; too large a one makes it slow to follow.
	latenessMemory = 1 << 16
	// claimEvery is how many events pass before the claim is made anew. Each time costs
	// a walk over all buckets.
	claimEvery = 64
	// latenessBuckets: four for each doubling of milliseconds, up to 2^40.
	latenessBuckets = 160
)

// Lateness is a histogram of IngestTime - EventTime. It is halved as it fills, so it
// follows the traffic.
type Lateness struct {
	Buckets [latenessBuckets]float64 `json:"buckets"`
	Total   float64                  `json:"total"`
	// Claim is the lateness that ledger.CompleteShare of events stayed under when it was made.
	Claim time.Duration `json:"claim"`
	Since int           `json:"since"` // events since then
}

// bucketOf returns the bucket of a lateness: values up to 3 ms have their own, then
// each doubling is cut in four.
func bucketOf(late time.Duration) int {
	ms := uint64(max(late.Milliseconds(), 0))
	if ms < 4 {
		return int(ms)
	}
	e := bits.Len64(ms) - 3
	return min(4*e+int(ms>>e), latenessBuckets-1)
}

// endOf returns the least lateness above bucket i.
func endOf(i int) time.Duration {
	i++
	if i < 4 {
		return time.Duration(i) * time.Millisecond
	}
	e := i/4 - 1
	return time.Duration(4+i%4) << e * time.Millisecond
}

// add counts an event and tells whether it contradicts the claim: it came
// later than the claim allowed for.
func (h *Lateness) add(late time.Duration) (contradicts bool) {
	contradicts = h.Total > 0 && late >= h.Claim
	h.Buckets[bucketOf(late)]++
	h.Total++
	if h.Total >= latenessMemory {
		h.Total = 0
		for i := range h.Buckets {
			h.Buckets[i] /= 2
			h.Total += h.Buckets[i]
		}
	}
	if h.Since++; h.Since >= claimEvery || h.Total < claimEvery {
		h.Claim, h.Since = h.Within(ledger.CompleteShare), 0
	}
	return contradicts
}

// Within returns a lateness that the given share of recent events stayed under.
func (h *Lateness) Within(share float64) time.Duration {
	sum := 0.0
	for i, n := range h.Buckets {
		if sum += n; sum >= share*h.Total && h.Total > 0 {
			return endOf(i)
		}
	}
	return 0
}

// count keeps the ledger's facts about an event that is stored.
func (f *Fold) count(e *event.Event, l *ledger.Outcomes) {
	l.Stored++
	late := event.Time(e.IngestTime).Sub(event.Time(e.EventTime))
	if late > LateAfter {
		l.Late++
	}
	if e.ClockFix == event.ClockFix_CLOCK_FIX_CLAMPED {
		l.Clamped++
	}
	l.Lateness.Count(late)
	if f.lateness.add(late) {
		l.Contradicted++
	}
}
