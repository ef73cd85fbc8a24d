// Source: the stream itself.
package traffic

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
)

// Protocol is how an event is sent over HTTP.
type Protocol uint8

// The protocols.
const (
	Native Protocol = iota
	MeasurementProtocol
)

// String returns the protocol's name in records.
func (p Protocol) String() string {
	if p == MeasurementProtocol {
		return "mp"
	}
	return "native"
}

// Sent is one event that was sent.
type Sent struct {
	At       event.Time    // of arrival: the event's IngestTime
	Event    *event.Event  // as a collector would log it
	Protocol Protocol      // events of the Measurement Protocol are trusted
	Skew     time.Duration // how much the sender's clock is ahead; native only
	IsCopy   bool          // the key was sent before (S7)
	IsBot    bool          // the sender is a program
	Address  netip.Addr    // from which it comes
}

// Source is a stream of events. It belongs to one goroutine.
type Source struct {
	cfg        Config
	rnd        random
	properties []property
	countries  []country
	agents     []agent
	programs   []agent
	origins    []origin
	common     commonParams

	propertyPick, agentPick, programPick, countryPick, originPick picker

	queue     queue
	sessions  []session
	idle      []int // sessions that ended: their places are taken again
	copies    []Sent
	idleCopy  []int
	nextStart float64 // milliseconds
	meanWait  float64 // milliseconds between two beginnings
	end       int64
	count     int
	slab      []event.Event
}

// slabSize is how many events are allocated at once. As long as one is in use
// all of them stay in memory.
const slabSize = 64

// New returns a stream at its beginning.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("make traffic: %w", err)
	}
	s := &Source{
		cfg: cfg, rnd: newRandom(cfg.Seed), countries: countries(), agents: agents(),
		programs: programAgents(), origins: origins(), common: newCommonParams(),
	}
	for _, p := range cfg.Properties {
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			return nil, fmt.Errorf("make traffic: property %v: %w", p.ID, err)
		}
		clients := uint64(float64(cfg.Clients) * p.Weight)
		pages := pagesOf(p, cfg.Pages)
		s.properties = append(s.properties, property{
			Property: p, zone: zone, pages: pages, popular: newPicker(zipf(len(pages), 1.05)), clients: clients,
		})
	}
	s.propertyPick = newPicker(weightsOf(cfg.Properties, func(p Property) float64 { return p.Weight }))
	s.agentPick = newPicker(weightsOf(s.agents, func(a agent) float64 { return a.weight }))
	s.programPick = newPicker(weightsOf(s.programs, func(a agent) float64 { return a.weight }))
	s.countryPick = newPicker(weightsOf(s.countries, func(c country) float64 { return c.weight }))
	s.originPick = newPicker(weightsOf(s.origins, func(o origin) float64 { return o.weight }))

	s.meanWait = 1000 * meanEvents / cfg.Rate
	if !cfg.IsFlat {
		s.meanWait *= meanBustle
	}
	s.nextStart = float64(cfg.Start.UnixMilli())
	s.end = math.MaxInt64
	if cfg.Span > 0 {
		s.end = cfg.Start.Add(cfg.Span).UnixMilli()
	}
	return s, nil
}

// Next returns the next event to arrive; false at the end of the stream.
func (s *Source) Next() (Sent, bool) {
	if s.cfg.Events > 0 && s.count >= s.cfg.Events {
		return Sent{}, false
	}
	for {
		if start := int64(s.nextStart); len(s.queue.turns) == 0 || start <= s.queue.turns[0].at {
			if start >= s.end && len(s.queue.turns) == 0 {
				return Sent{}, false
			}
			s.openAt(start)
			continue
		}
		if s.queue.turns[0].at >= s.end {
			return Sent{}, false
		}
		s.count++
		if t := s.queue.pop(); t.item < 0 {
			return s.sendCopy(t), true
		} else {
			return s.send(t), true
		}
	}
}

// openAt begins a session, unless it is one of those that stay away at this
// hour, and says when the next one begins.
func (s *Source) openAt(ms int64) {
	s.nextStart += s.meanWait * s.rnd.ExpFloat64()
	v := s.begin(ms)
	if !s.cfg.IsFlat && !s.rnd.chance(v.property.bustle(ms)) {
		return
	}
	i := len(s.sessions)
	if n := len(s.idle); n > 0 {
		i = s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.sessions[i] = v
	} else {
		s.sessions = append(s.sessions, v)
	}
	s.queue.push(ms, i)
}

// send makes the event of a session whose turn it is.
func (s *Source) send(t turn) Sent {
	v := &s.sessions[t.item]
	e := s.newEvent(v, t.at)
	pause := s.play(v, e)
	if !v.client.isProgram && !v.client.measurement {
		e.EngagementKnown = true
		e.Engaged = e.Name == "page_view"
	}
	sent := Sent{
		At: event.Time(e.IngestTime), Event: e, Skew: time.Duration(v.skew) * time.Millisecond,
		IsBot: v.client.isProgram, Address: v.client.address,
	}
	if v.client.measurement {
		sent.Protocol = MeasurementProtocol
	}
	if v.next == stepEnd {
		s.idle = append(s.idle, t.item)
	} else {
		s.queue.push(t.at+pause, t.item)
	}
	if s.rnd.chance(s.cfg.Mix.Copies) {
		s.plan(sent, t.at+s.rnd.between(1_000, 600_000))
	}
	return sent
}

// newEvent fills what all events of a session share.
func (s *Source) newEvent(v *session, at int64) *event.Event {
	if len(s.slab) == 0 {
		s.slab = make([]event.Event, slabSize)
	}
	e := &s.slab[0]
	s.slab = s.slab[1:]
	happened := at - v.shift - s.arrival()
	if v.client.cookieless {
		if day := v.property.localDay(happened); v.id == "" || day != v.day {
			v.id, v.day = v.client.dayID(v.property, day), day
		}
	}
	p := &v.property.Property
	e.Property, e.MeasurementId = uint64(p.ID), p.MeasurementID
	e.ClientId, e.Cookieless, e.UserId = v.id, v.client.cookieless, v.client.userID
	e.SessionId, e.Sessionless = v.sid, v.client.sessionless
	e.Key = hex16(s.rnd.Uint64())
	e.EventTime, e.IngestTime = happened*1000, at*1000
	e.ClockFix = event.ClockFix_CLOCK_FIX_AS_SENT
	if v.skew != 0 {
		e.ClockFix = event.ClockFix_CLOCK_FIX_SKEW
	}
	e.Trusted = v.client.measurement
	e.Url, e.Title, e.Referrer = v.url, v.page.title, v.referrer
	e.UserAgent, e.Screen, e.Language = v.client.agent.text, v.client.agent.screen, v.client.country.language
	e.Geo = v.client.geo
	if v.client.measurement {
		e.EngagementKnown, e.EngagementMs = true, 100
	}
	return e
}

// plan remembers to send an event again.
func (s *Source) plan(sent Sent, at int64) {
	i := len(s.copies)
	if n := len(s.idleCopy); n > 0 {
		i = s.idleCopy[n-1]
		s.idleCopy = s.idleCopy[:n-1]
		s.copies[i] = sent
	} else {
		s.copies = append(s.copies, sent)
	}
	s.queue.push(at, -1-i)
}

// sendCopy sends an event again (F3).
func (s *Source) sendCopy(t turn) Sent {
	i := -1 - t.item
	sent := s.copies[i]
	s.copies[i] = Sent{}
	s.idleCopy = append(s.idleCopy, i)
	e := proto.Clone(sent.Event).(*event.Event)
	e.IngestTime = t.at * 1000
	sent.Event, sent.At, sent.IsCopy = e, event.Time(e.IngestTime), true
	return sent
}
