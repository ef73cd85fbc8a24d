// Lateness: how long after they happened the counted events of a property came.
package ledger

import "time"

// LatenessBounds are the upper ends of the buckets of Lateness, excluded; the last
// one is the longest allowed lateness (S3), included.
func LatenessBounds() [LatenessBuckets]time.Duration {
	return [LatenessBuckets]time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute,
		time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour, 72 * time.Hour}
}

// CompleteShare of events come no later than completeThrough allows for; the rest
// contradict it (S27).
const CompleteShare = 0.99

// LatenessBuckets is how many buckets Lateness has.
const LatenessBuckets = 9

// Lateness counts events by how late they were.
type Lateness [LatenessBuckets]int64

// Count adds an event.
func (l *Lateness) Count(late time.Duration) {
	// Fast path: nearly all events come within seconds.
	if late < time.Second {
		l[0]++
		return
	}
	bounds := LatenessBounds()
	for i, bound := range bounds[:LatenessBuckets-1] {
		if late < bound {
			l[i]++
			return
		}
	}
	l[LatenessBuckets-1]++
}
