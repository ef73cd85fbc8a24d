// accept: from drafts to one durable batch (C1, C2).
package collect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"tidemark/internal/collect/wire"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/property"
)

// accept completes the drafts of a and makes them and the refusals durable.
// When it returns an error, nothing of the request may be answered 2xx.
func (a *arrival) accept(ctx context.Context) error {
	a.stamp()
	for i := range a.request.Drafts {
		draft := &a.request.Drafts[i]
		stream, err := a.stream(ctx, draft)
		if err != nil {
			return err
		}
		why, err := a.complete(ctx, stream, draft, i)
		if err != nil {
			return err
		}
		if why == "" {
			if why, err = a.encode(draft.Event); err != nil {
				return err
			}
		}
		if why != "" {
			a.refuse(stream, i, why)
		}
	}
	if err := a.refuseSurplus(ctx); err != nil {
		return err
	}
	return a.append(ctx)
}

// stamp reads the clock, once for all events of the request.
func (a *arrival) stamp() {
	a.now = a.c.deps.Clock()
	a.ingest = event.TimeOf(a.now)
}

// refuseSurplus refuses what was behind the last event that was read.
func (a *arrival) refuseSurplus(ctx context.Context) error {
	if a.request.Surplus == 0 {
		return nil
	}
	stream, err := a.stream(ctx, &wire.Draft{})
	if err != nil {
		return err
	}
	read, surplus := len(a.request.Drafts), a.request.Surplus
	for i := range min(surplus, maxListed) {
		a.refusals = append(a.refusals, refusal{read + i, event.RefuseTooManyEvents})
	}
	a.count(stream.property(), event.RefuseTooManyEvents, 0, int64(surplus))
	return nil
}

// refuseWhole refuses a body that could not be read. It counts as one event:
// nobody knows how many it was.
func (a *arrival) refuseWhole(ctx context.Context, why event.RefuseReason) error {
	a.stamp()
	a.request.Drafts, a.request.Surplus = a.request.Drafts[:0], 0
	if err := a.request.Refuse(why); err != nil {
		return err
	}
	return a.accept(ctx)
}

// stream returns what is known of the draft's stream.
func (a *arrival) stream(ctx context.Context, draft *wire.Draft) (*resolved, error) {
	id := draft.MeasurementID
	if id == "" {
		id = a.measurementID
	}
	if s := a.findStream(id); s != nil {
		return s, nil
	}
	s := resolved{measurementID: id}
	info, err := a.c.deps.Directory.Stream(ctx, id)
	switch {
	case errors.Is(err, property.ErrNotFound):
		s.refused = event.RefuseUnknownProperty
	case err != nil:
		return nil, lookupError{err}
	default:
		s.info = info
		if err := a.checkSecret(ctx, &s); err != nil {
			return nil, err
		}
	}
	return a.addStream(s), nil
}

// lookupError marks errors of the registry.
type lookupError struct{ error }

func (e lookupError) Unwrap() error { return e.error }

// checkSecret settles whether the sender is trusted (S3, S38).
func (a *arrival) checkSecret(ctx context.Context, s *resolved) error {
	if !a.protocol.secret || !a.hasSecret && !a.protocol.needsSecret {
		return nil
	}
	right, err := a.c.deps.Directory.CheckAPISecret(ctx, s.measurementID, a.secret)
	if err != nil {
		return lookupError{err}
	}
	if s.trusted = right; !right {
		s.refused = event.RefuseBadSecret
	}
	return nil
}

// complete adds what the sender could not say, and settles whether the event is
// taken.
func (a *arrival) complete(ctx context.Context, s *resolved, draft *wire.Draft, index int) (event.RefuseReason, error) {
	switch {
	case s.refused != "":
		return s.refused, nil
	case draft.Refused != "":
		return draft.Refused, nil
	}
	e := draft.Event
	if draft.Anonymous {
		if a.c.cfg.DeniedConsent == ConsentRefuse {
			return event.RefuseConsent, nil
		}
		forgetIdentity(e)
	} else if draft.NeedsClient && e.ClientId == "" {
		return event.RefuseNoClient, nil
	}
	e.Property, e.MeasurementId = uint64(s.info.Property.ID), s.measurementID
	e.Index, e.Trusted = uint32(index), s.trusted
	at, fix := event.ResolveEventTime(draft.ClientTime, draft.SentTime, a.ingest)
	if at <= 0 {
		return event.RefuseBadTime, nil
	}
	e.EventTime, e.IngestTime, e.ClockFix = int64(at), int64(a.ingest), fix
	if e.Key == "" {
		e.Key = a.c.newKey()
	}
	if a.protocol.direct {
		e.UserAgent = a.userAgent
	}
	a.locate(s)
	e.Geo, e.AddressVerdict = s.geo, s.verdict
	wire.Clamp(e)
	return "", a.identify(ctx, s, e)
}

// forgetIdentity removes what a sender said of the user though it may not
// recognise the user. The flags go too: a tag that may store nothing takes every
// page for a first visit.
func forgetIdentity(e *event.Event) {
	e.ClientId, e.UserId, e.SessionId = "", "", ""
	e.FirstVisit, e.SessionStart, e.SessionCount = false, false, 0
}

// locate settles the place and the address verdict, once for all events of the
// stream in the request (S39).
func (a *arrival) locate(s *resolved) {
	if s.located {
		return
	}
	s.located = true
	address := netip.Addr{}
	if a.protocol.direct {
		address = a.address
	}
	if s.trusted && a.request.SourceAddress.IsValid() {
		address = a.request.SourceAddress.Unmap()
	}
	if address.IsValid() {
		if a.c.deps.Geo != nil {
			s.geo = a.c.deps.Geo(address)
		}
		if a.c.deps.AddressVerdict != nil {
			s.verdict = a.c.deps.AddressVerdict(address)
		}
	}
	if s.trusted && a.request.SourceGeo != nil {
		s.geo = a.request.SourceGeo
	}
}

// identify gives an event without client id a cookieless one (S10).
func (a *arrival) identify(ctx context.Context, s *resolved, e *event.Event) error {
	if e.ClientId != "" {
		return nil
	}
	e.Cookieless = true
	// Fast path: the events of a request mostly share the minute, and a minute
	// lies in one local day: offsets and their changes are whole minutes.
	minute := event.Time(e.EventTime / 60_000_000)
	if s.id != "" && s.idMinute == minute {
		e.ClientId = s.id
		return nil
	}
	v := sender{property: s.info.Property.ID, address: a.address, userAgent: e.UserAgent}
	id, linkable, err := a.c.ids.clientID(ctx, v, event.Time(e.EventTime), s.info.Zone, a.now)
	if err != nil {
		return lookupError{err}
	}
	e.ClientId = id
	if linkable {
		s.id, s.idMinute = id, minute
	}
	return nil
}

// encode adds the event to the batch, or returns that it is too large.
func (a *arrival) encode(e *event.Event) (event.RefuseReason, error) {
	a.kind.Event, a.record.Kind = e, &a.kind
	size := a.record.SizeVT()
	if size > event.MaxEvent {
		return event.RefuseTooLarge, nil
	}
	start := len(a.encoded)
	if start+size > cap(a.encoded) {
		// The records encoded so far stay in the old buffer, which they keep.
		next := max(firstBody, size, min(2*cap(a.encoded), 1<<20))
		if !a.Take(next) {
			return "", wire.ErrOverBudget
		}
		a.encoded, start = make([]byte, 0, next), 0
	}
	a.encoded = a.encoded[:start+size]
	payload := a.encoded[start : start+size : start+size]
	if _, err := a.record.MarshalToSizedBufferVT(payload); err != nil {
		return "", fmt.Errorf("encode event: %w", err)
	}
	partition := event.PartitionOf(event.PropertyID(e.Property), e.ClientId, a.c.deps.Log.Partitions())
	a.batch.Records = append(a.batch.Records, eventlog.Record{Partition: partition, Payload: payload})
	a.accepted = append(a.accepted, e)
	return "", nil
}

// refuse notes that event i was refused.
func (a *arrival) refuse(s *resolved, i int, why event.RefuseReason) {
	a.refusals = append(a.refusals, refusal{i, why})
	a.count(s.property(), why, 0, 1)
}

// property returns the stream's property, 0 if it is unknown.
func (s *resolved) property() event.PropertyID {
	if s.info == nil {
		return 0
	}
	return s.info.Property.ID
}

// count adds n events to the batch's counts, of those with records in p.
func (a *arrival) count(id event.PropertyID, why event.RefuseReason, p event.Partition, n int64) {
	for i := range a.batch.Counts {
		if c := &a.batch.Counts[i]; c.Property == id && c.Reason == why && c.Partition == p {
			c.N += n
			return
		}
	}
	day := int32(a.ingest / event.Time(24*60*60*1_000_000))
	a.batch.Counts = append(a.batch.Counts, eventlog.Count{Property: id, Day: day, Reason: why, N: n, Partition: p})
}

// append makes the batch durable and tells who wants to know.
func (a *arrival) append(ctx context.Context) error {
	for i, e := range a.accepted {
		a.count(event.PropertyID(e.Property), "", a.batch.Records[i].Partition, 1)
	}
	if len(a.batch.Counts) == 0 {
		return nil // An empty list of events.
	}
	for i := range a.streams {
		if s := &a.streams[i]; s.refused == "" && len(a.accepted) > 0 {
			if err := a.c.deps.Directory.EnsureDefined(ctx, &s.info.Property); err != nil {
				return err
			}
		}
	}
	if err := a.c.deps.Log.Append(ctx, &a.batch); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	a.c.telemetry.counted(a.batch.Counts)
	if a.c.deps.OnAccepted != nil && len(a.accepted) > 0 {
		a.c.deps.OnAccepted(a.accepted)
	}
	return nil
}
