// Derive: from a client's parts to its sessions and what they owe to each other
// (S12, S15, S17, S18). Nothing of it is kept: it is done again whenever an
// event came, so it holds for the set of events, not for their arrival.
package fold

import (
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/window"
)

// session is a run of parts of one thread, in the order of their first events.
type session struct {
	parts  []*Part
	sum    *Part // of all parts; its lists and told state are not used
	merged *Part // memory of sum where there are several parts
	origin *Origin
	first  *Origin // the client's first session's source
	isNew  bool
	holds  bool // the client's first event
}

// scratch is reused from client to client.
type scratch struct {
	parts    []*Part
	sessions []*session
	told     []*Told
}

// next returns a session of the scratch, to be filled.
func (s *scratch) next() *session {
	if len(s.sessions) < cap(s.sessions) {
		s.sessions = s.sessions[:len(s.sessions)+1]
		if have := s.sessions[len(s.sessions)-1]; have != nil {
			return have
		}
		s.sessions = s.sessions[:len(s.sessions)-1]
	}
	made := &session{merged: &Part{}, origin: &Origin{}}
	s.sessions = append(s.sessions, made)
	return made
}

func directOrigin() *Origin {
	return &Origin{Source: "(direct)", Medium: "(none)", Campaign: "(direct)"}
}

// sessions derives c's sessions in the order of their first events (S4).
func (f *Fold) sessions(c *client) []*session {
	s := &f.scratch
	s.parts = append(s.parts[:0], c.Parts...)
	slices.SortFunc(s.parts, byThread)
	s.sessions = s.sessions[:0]
	for i := 0; i < len(s.parts); {
		n := runLength(s.parts[i:])
		made := s.next()
		made.parts, made.isNew, made.holds, made.first = s.parts[i:i+n], false, false, nil
		made.addUp()
		i += n
	}
	slices.SortFunc(s.sessions, func(a, b *session) int {
		return a.sum.First.order().Compare(b.sum.First.order())
	})
	attribute(c, s.sessions, f.definition(c.property).zone)
	return s.sessions
}

func byThread(a, b *Part) int {
	switch {
	case a.Thread != b.Thread:
		return int(a.Thread) - int(b.Thread)
	case a.SessionId < b.SessionId:
		return -1
	case a.SessionId > b.SessionId:
		return 1
	}
	return a.First.order().Compare(b.First.order())
}

// runLength returns how many parts from the front make one session.
func runLength(parts []*Part) int {
	first := parts[0]
	if first.Thread == THREAD_NONE || first.Thread == THREAD_ALONE {
		return 1
	}
	end := event.Time(first.End)
	for n, p := range parts[1:] {
		if p.Thread != first.Thread || p.SessionId != first.SessionId ||
			!window.JoinsSession(event.Time(p.First.EventTime), p.LocalDay, end, first.LocalDay, p.gap()) {
			return n + 1
		}
		end = max(end, event.Time(p.End))
	}
	return len(parts)
}

func (s *session) addUp() {
	if len(s.parts) == 1 {
		s.sum = s.parts[0]
		return
	}
	s.sum = s.merged
	s.sum.Absorbed = nil
	s.sum.copyFrom(s.parts[0])
	for _, p := range s.parts[1:] {
		s.sum.absorb(p)
	}
	s.sum.Absorbed, s.sum.ToldSession = nil, 0
}

// copyFrom makes p the same sum as q, sharing what is not changed in place.
func (p *Part) copyFrom(q *Part) {
	p.Id, p.Thread, p.SessionId, p.GapUs, p.LocalDay = q.Id, q.Thread, q.SessionId, q.GapUs, q.LocalDay
	p.First, p.End, p.Visit = q.First, q.End, q.Visit
	p.Landing, p.Exit, p.Origin = q.Landing, q.Exit, q.Origin
	p.UserPlace, p.UserId = q.UserPlace, q.UserId
	p.Events, p.Views, p.KeyEvents = q.Events, q.Views, q.KeyEvents
	p.EngagementMs, p.RevenueMicros, p.CountedBefore = q.EngagementMs, q.RevenueMicros, q.CountedBefore
}

// counted tells whether the session counts, or only holds events (S13, S38).
func (s *session) counted() bool { return s.sum.Thread != THREAD_NONE }

// attribute gives each session its source, the client's first source, and
// whether it is new. Sessions are in order; history lies before all of them.
func attribute(c *client, sessions []*session, zone *window.Zone) {
	last, lastStart := c.History.LastOrigin, event.Time(c.History.LastOriginStart)
	first := c.History.FirstSession
	var began event.Time // of the first session
	if first != nil {
		began = event.Time(first.Place.EventTime)
	}
	for _, s := range sessions {
		start := event.Time(s.sum.First.EventTime)
		s.holds = slices.ContainsFunc(s.parts, func(p *Part) bool { return p.Id == c.FirstPart })
		if !s.counted() {
			s.origin.Source, s.origin.Medium, s.origin.Campaign = notSet, notSet, notSet
			continue
		}
		switch {
		case s.sum.Origin != nil:
			s.origin.set(s.sum.Origin)
			last, lastStart = s.sum.Origin, start
		case last != nil && start.Sub(lastStart) <= event.Attribution:
			s.origin.set(last)
		default:
			s.origin.set(directOrigin())
		}
		s.isNew = s.holds && !s.sum.CountedBefore
		if first == nil {
			first, began = s.origin, start
		}
	}
	for _, s := range sessions {
		s.first = first
		// Events outside sessions know the first session if it began by the end of
		// their day: a client that comes back weeks later must not change a day
		// that is final (S17).
		if first == nil || (!s.counted() && zone.LocalDay(began) > s.sum.LocalDay) {
			s.first = directOrigin()
		}
	}
}

func (o *Origin) set(p *Origin) { o.Source, o.Medium, o.Campaign = p.Source, p.Medium, p.Campaign }

// engagedAfter is how long an engaged session lasts at least (S15).
const engagedAfter = 10 * time.Second

func (s *session) engaged() bool {
	length := event.Time(s.sum.End).Sub(event.Time(s.sum.First.EventTime))
	attention := time.Duration(s.sum.EngagementMs) * time.Millisecond
	return max(length, attention) >= engagedAfter || s.sum.KeyEvents > 0 || s.sum.Views >= 2
}
