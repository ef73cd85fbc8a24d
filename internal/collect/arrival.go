// arrival: one request on its way from body to answer, with all its buffers.
package collect

import (
	"net/netip"
	"time"

	"tidemark/internal/collect/wire"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// arrival is reused for other requests by its pool. Only events and their texts
// outlive it.
type arrival struct {
	c *Collector
	lease

	// What the request says.
	protocol      *protocol
	measurementID string
	secret        string
	hasSecret     bool
	address       netip.Addr
	userAgent     string
	request       wire.Request

	// What becomes of it.
	now      time.Time
	ingest   event.Time
	streams  []resolved
	refusals []refusal
	accepted []*event.Event

	// Buffers.
	body    []byte
	encoded []byte
	record  event.Record
	kind    event.Record_Event
	batch   eventlog.Batch
}

// refusal is one event that was not accepted.
type refusal struct {
	index int
	why   event.RefuseReason
}

// resolved is a measurement id of the request and what the directory knows of it.
type resolved struct {
	measurementID string
	info          *StreamInfo // nil if unknown
	refused       event.RefuseReason
	trusted       bool
	// The place and the address verdict of this stream's events.
	located bool
	geo     *event.Geo
	verdict string
	// The cookieless id of the minute that was asked for last.
	idMinute event.Time
	id       string
}

// arrive takes an arrival from the pool.
func (c *Collector) arrive(p *protocol) *arrival {
	a := c.arrivals.Get().(*arrival)
	a.protocol = p
	a.request.Reset(a, wire.Limits{MaxEvents: c.cfg.MaxEvents, MaxDepth: c.cfg.MaxDepth})
	return a
}

// leave puts a back and gives its memory free.
func (a *arrival) leave() {
	a.lease.end()
	clear(a.streams)
	clear(a.accepted)
	clear(a.batch.Records)
	a.request.Reset(a, wire.Limits{})
	*a = arrival{
		c: a.c, lease: a.lease, request: a.request,
		streams: a.streams[:0], refusals: a.refusals[:0], accepted: a.accepted[:0],
		body: reusable(a.body), encoded: reusable(a.encoded),
		batch: eventlog.Batch{Records: a.batch.Records[:0], Counts: a.batch.Counts[:0]},
	}
	if cap(a.request.Drafts) > keptDrafts {
		a.request.Drafts, a.accepted, a.batch.Records = nil, nil, nil
	}
	a.c.arrivals.Put(a)
}

// keptDrafts bounds what a large request leaves in the pool.
const keptDrafts = 256

func reusable(b []byte) []byte {
	if cap(b) > keptBody {
		return nil
	}
	return b[:0]
}
