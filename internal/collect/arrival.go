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
	// streamIndex says where a stream is, once there are more than a few.
	streamIndex map[string]int

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

// fewStreams are found faster by looking at each.
const fewStreams = 8

// findStream returns what was resolved before, or nil. It is valid until the
// next addStream.
func (a *arrival) findStream(id string) *resolved {
	// Fast path: a request names one stream, seldom a few.
	if len(a.streams) <= fewStreams {
		for i := range a.streams {
			if a.streams[i].measurementID == id {
				return &a.streams[i]
			}
		}
		return nil
	}
	if i, ok := a.streamIndex[id]; ok {
		return &a.streams[i]
	}
	return nil
}

// addStream remembers a stream that findStream does not find.
func (a *arrival) addStream(s resolved) *resolved {
	a.streams = append(a.streams, s)
	if len(a.streams) > fewStreams {
		a.indexStreams()
	}
	return &a.streams[len(a.streams)-1]
}

// indexStreams puts the streams that are not yet in the index there.
func (a *arrival) indexStreams() {
	if a.streamIndex == nil {
		a.streamIndex = make(map[string]int)
	}
	for i := len(a.streamIndex); i < len(a.streams); i++ {
		a.streamIndex[a.streams[i].measurementID] = i
	}
}

// arrive takes an arrival from the pool.
func (c *Collector) arrive(p *protocol) *arrival {
	a := c.arrivals.Get().(*arrival)
	a.protocol = p
	a.request.Reset(a, wire.Limits{MaxEvents: c.cfg.MaxEvents, MaxDepth: c.cfg.MaxDepth})
	return a
}

// leave puts a back and gives its memory free. What it held of the request is
// let go: a pool must not keep what a user sent.
func (a *arrival) leave() {
	a.lease.end()
	a.request.Reset(nil, wire.Limits{})
	clear(a.streams)
	clear(a.accepted)
	clear(a.batch.Records)
	a.streams, a.refusals, a.accepted = a.streams[:0], a.refusals[:0], a.accepted[:0]
	a.batch.Records, a.batch.Counts = a.batch.Records[:0], a.batch.Counts[:0]
	a.streamIndex = nil
	if cap(a.streams) > keptDrafts {
		a.streams = nil
	}
	a.body, a.encoded = reusable(a.body), reusable(a.encoded)
	a.measurementID, a.secret, a.hasSecret = "", "", false
	a.address, a.userAgent, a.kind.Event = netip.Addr{}, "", nil
	if cap(a.request.Drafts) > keptDrafts {
		a.request.Drafts, a.refusals, a.accepted, a.batch.Records = nil, nil, nil, nil
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
