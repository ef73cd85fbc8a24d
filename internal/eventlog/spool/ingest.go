// What the spool reads of a payload, how old it is and whose, and what is on its way.
package spool

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const kindEvent = 1 // of event.Record

// ingestField is the number of ingest_time in each kind of event.Record.
func ingestField(kind protowire.Number) protowire.Number {
	switch kind {
	case kindEvent:
		return 11
	case 2: // Definition
		return 10
	case 3: // Tick
		return 1
	case 4: // Erasure
		return 3
	}
	return 0
}

// ingestTime reads the IngestTime of an encoded event.Record without decoding the
// rest; false if it says none.
func ingestTime(payload []byte) (event.Time, bool) {
	kind, message := openRecord(payload)
	v, ok := varintField(message, ingestField(kind))
	return event.Time(v), ok
}

// propertyOf reads whose event a payload is; false if it is no event.
func propertyOf(payload []byte) (event.PropertyID, bool) {
	kind, message := openRecord(payload)
	if kind != kindEvent {
		return 0, false
	}
	v, ok := varintField(message, 1)
	return event.PropertyID(v), ok
}

// openRecord returns the kind of an event.Record and what is in it.
func openRecord(payload []byte) (kind protowire.Number, message []byte) {
	kind, t, n := protowire.ConsumeTag(payload)
	if n < 0 || t != protowire.BytesType {
		return 0, nil
	}
	message, n = protowire.ConsumeBytes(payload[n:])
	if n < 0 {
		return 0, nil
	}
	return kind, message
}

// varintField returns a number in a message.
func varintField(message []byte, want protowire.Number) (uint64, bool) {
	for len(message) > 0 {
		number, t, n := protowire.ConsumeTag(message)
		if n < 0 {
			return 0, false
		}
		message = message[n:]
		if number == want && t == protowire.VarintType {
			v, n := protowire.ConsumeVarint(message)
			return v, n > 0
		}
		if n = protowire.ConsumeFieldValue(number, t, message); n < 0 {
			return 0, false
		}
		message = message[n:]
	}
	return 0, false
}

// oldestOf returns the smallest IngestTime in b; now, if none of its records says any.
func oldestOf(b *eventlog.Batch, now event.Time) event.Time {
	oldest := now
	for i := range b.Records {
		if t, ok := ingestTime(b.Records[i].Payload); ok && t < oldest {
			oldest = t
		}
	}
	return oldest
}

// underWay knows the oldest IngestTime of each append under way.
type underWay struct {
	mu    sync.Mutex
	last  uint64
	times map[uint64]event.Time
}

func (u *underWay) begin(oldest event.Time) (id uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.times == nil {
		u.times = make(map[uint64]event.Time)
	}
	u.last++
	u.times[u.last] = oldest
	return u.last
}

func (u *underWay) end(id uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.times, id)
}

// oldest returns the oldest of all, false if nothing is under way.
func (u *underWay) oldest() (oldest event.Time, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.times {
		if !ok || t < oldest {
			oldest, ok = t, true
		}
	}
	return oldest, ok
}
