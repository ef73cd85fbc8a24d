// window: consecutive records of one partition in memory.
package kafkalog

import (
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// window holds the payloads of offsets base, base+1 and so on. They are never
// changed, only dropped.
type window struct {
	base     event.Offset
	payloads [][]byte
	bytes    int
}

// perRecord is what a payload costs beside its bytes.
const perRecord = 64

func (w *window) end() event.Offset { return w.base + event.Offset(len(w.payloads)) }

// reset empties the window; its next record is base.
func (w *window) reset(base event.Offset) {
	*w = window{base: base, payloads: w.payloads[:0]}
}

// push adds the record at the end and drops from the front what is beyond limit.
func (w *window) push(payload []byte, limit int) {
	w.payloads = append(w.payloads, payload)
	w.bytes += len(payload) + perRecord
	drop := 0
	for w.bytes > limit && drop < len(w.payloads) {
		w.bytes -= len(w.payloads[drop]) + perRecord
		w.payloads[drop] = nil
		drop++
	}
	w.base += event.Offset(drop)
	w.payloads = w.payloads[drop:]
}

// appendEntries copies records from offset from on, below limit, into dst: as
// many as fit into budget, and one in any case if dst is to get its first. It
// returns how many bytes that took and whether the budget ended it. from is in
// the window.
func (w *window) appendEntries(
	dst []eventlog.Entry, from, limit event.Offset, budget int, atLeastOne bool,
) (_ []eventlog.Entry, used int, full bool) {
	first, last := int(from-w.base), int(min(limit, w.end())-w.base)
	stop := first
	for stop < last {
		size := len(w.payloads[stop])
		if used+size > budget && (stop > first || !atLeastOne) {
			full = true
			break
		}
		used += size
		stop++
	}
	owned := make([]byte, 0, used)
	for i := first; i < stop; i++ {
		begin := len(owned)
		owned = append(owned, w.payloads[i]...)
		dst = append(dst, eventlog.Entry{
			Offset: w.base + event.Offset(i), Payload: owned[begin:len(owned):len(owned)],
		})
	}
	return dst, used, full
}

// holds tells whether offset o is in the window.
func (w *window) holds(o event.Offset) bool { return o >= w.base && o < w.end() }
