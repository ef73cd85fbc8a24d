// Permute: other orders in which the same events could have arrived (D3).
package spec

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tidemark/internal/event"
)

// Permute returns the arrivals in another legal order: each event happened
// when it happened and arrives within its allowed lateness, with a new
// IngestTime. What was too late stays too late, and copies of an event stay within
// the memory of keys, so that final reports and the account must stay the same.
// The arrivals given are not changed.
func Permute(rt *rapid.T, arrivals []*event.Event) []*event.Event {
	return permute(arrivals, func(most int64) int64 {
		return rapid.Int64Range(0, most).Draw(rt, "delay")
	})
}

// scopedKey is the identity of an event (S5).
type scopedKey struct {
	property    uint64
	client, key string
}

// permute draws each arrival's delay from 0 to the most that is legal.
func permute(arrivals []*event.Event, draw func(most int64) int64) []*event.Event {
	pinned := pinnedKeys(arrivals)
	var out []*event.Event
	for _, e := range arrivals {
		again := proto.Clone(e).(*event.Event)
		if !pinned[keyOf(e)] {
			again.IngestTime = e.EventTime + draw(allowed(e))
		}
		out = append(out, again)
	}
	ByArrival(out)
	return out
}

// pinnedKeys are those whose arrivals must keep their times: some copy came too
// late, or so long after another that it counts again (S3, S8).
func pinnedKeys(arrivals []*event.Event) map[scopedKey]bool {
	pinned := map[scopedKey]bool{}
	first := map[scopedKey]*event.Event{}
	for _, e := range arrivals {
		k := keyOf(e)
		if first[k] == nil {
			first[k] = e
		}
		apart := event.Time(e.IngestTime).Sub(event.Time(first[k].IngestTime))
		if event.TooLate(e) || apart > event.KeyMemory || e.EventTime != first[k].EventTime {
			pinned[k] = true
		}
	}
	return pinned
}

func keyOf(e *event.Event) scopedKey { return scopedKey{e.Property, e.ClientId, e.Key} }

// allowed is the longest legal delay in microseconds.
func allowed(e *event.Event) int64 {
	if e.Trusted {
		return event.AllowedLatenessTrusted.Microseconds()
	}
	return event.AllowedLateness.Microseconds()
}

// ByArrival sorts arrivals by IngestTime; those of one instant keep their order.
func ByArrival(arrivals []*event.Event) {
	slices.SortStableFunc(arrivals, func(a, b *event.Event) int { return cmp.Compare(a.IngestTime, b.IngestTime) })
}

// Records wraps arrivals as log records, in their order.
func Records(arrivals []*event.Event) []*event.Record {
	records := make([]*event.Record, len(arrivals))
	for i, e := range arrivals {
		records[i] = &event.Record{Kind: &event.Record_Event{Event: e}}
	}
	return records
}
