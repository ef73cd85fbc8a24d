// inFlight: the memory that all requests under way may take together (D8, C4).
package collect

import "sync/atomic"

// inFlight counts bytes. It refuses rather than waits: who waits holds a
// connection and its buffers all the same.
type inFlight struct {
	used atomic.Int64
	max  int64
}

// take reserves n bytes or returns false.
func (f *inFlight) take(n int64) bool {
	if f.used.Add(n) <= f.max {
		return true
	}
	f.used.Add(-n)
	return false
}

func (f *inFlight) give(n int64) { f.used.Add(-n) }

// lease is what one request has taken of it.
type lease struct {
	from  *inFlight
	bytes int64
}

// Take implements wire.Budget.
func (l *lease) Take(bytes int) bool {
	if !l.from.take(int64(bytes)) {
		return false
	}
	l.bytes += int64(bytes)
	return true
}

// end gives everything back.
func (l *lease) end() {
	l.from.give(l.bytes)
	l.bytes = 0
}
