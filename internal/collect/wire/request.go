// Request and Draft: what decoders make.
package wire

import (
	"net/netip"
	"unsafe"

	"tidemark/internal/event"
)

// Limits bound what a decoder reads.
type Limits struct {
	// MaxEvents is the number of events in one request; the rest is refused.
	MaxEvents int
	// MaxDepth is how deep JSON may nest.
	MaxDepth int
}

// Request is one request, read.
type Request struct {
	Arena
	Limits Limits

	// Drafts are the events in the order in which they were sent.
	Drafts []Draft
	// Surplus counts events behind the first Limits.MaxEvents. They were not read.
	Surplus int

	paidDrafts int

	// SourceAddress stands for the connection's address, if the sender may say so.
	SourceAddress netip.Addr
	// SourceGeo is where the sender says the user is, if it may say so.
	SourceGeo *event.Geo
}

// Draft is one event of a request.
type Draft struct {
	// Event holds what the sender said about the event. Never nil in a draft
	// that is not refused.
	Event *event.Event
	// MeasurementID is set if the event itself names its stream.
	MeasurementID string
	// ClientTime and SentTime are in the client's clock; 0 if not given (S2).
	ClientTime event.Time
	SentTime   event.Time
	// Anonymous: the sender may not recognise the user, so nothing that the
	// sender says about the user's identity may be used.
	Anonymous bool
	// NeedsClient: without a client id the event is refused, not cookieless.
	NeedsClient bool
	// Refused is why there is no event, or "".
	Refused event.RefuseReason
}

// draftMemory is what the caller keeps for each draft, accepted or refused.
const draftMemory = int(unsafe.Sizeof(Draft{})) + 64

// Add adds a draft.
func (r *Request) Add(d Draft) error {
	if n := len(r.Drafts); n == r.paidDrafts {
		grown := max(4, n)
		if r.budget != nil && !r.budget.Take(grown*draftMemory) {
			return ErrOverBudget
		}
		r.paidDrafts += grown
	}
	r.Drafts = append(r.Drafts, d)
	return nil
}

// Refuse adds a draft that is none.
func (r *Request) Refuse(why event.RefuseReason) error { return r.Add(Draft{Refused: why}) }

// Full tells whether no further event may be read.
func (r *Request) Full() bool { return len(r.Drafts) >= r.Limits.MaxEvents }

// Reset empties r for another request. Events that came out of it stay whole.
func (r *Request) Reset(b Budget, limits Limits) {
	clear(r.Drafts)
	*r = Request{Arena: Arena{budget: b}, Limits: limits, Drafts: r.Drafts[:0]}
}
