// Sessions: what a client does from the first page to the last, one event
// after another.
package traffic

import (
	"strconv"

	"tidemark/internal/event"
)

// step is what a session does next.
type step uint8

const (
	stepPage step = iota
	stepEngage
	stepAct
	stepCheckout
	stepPurchase
	stepEnd
)

// meanEvents is how many events a session has on average, copies included;
// a test holds the stream to the rate that follows from it.
const meanEvents = 5.4

// session is one session while it lasts.
type session struct {
	property *property
	client   client
	id       string // the client's id
	sid      string
	day      int64 // local day for which id was made, if cookieless

	origin    *origin
	page      *page
	url       string // of the page, with the query that brought the client
	referrer  string
	pagesLeft int
	next      step
	think     int64 // milliseconds spent on this page
	shift     int64 // how much later it is told than it happened
	skew      int64 // how much the client's clock is ahead
	isFirst   bool  // the client was never there before
	buys      bool
}

// begin makes up a session that starts at a moment.
func (s *Source) begin(ms int64) session {
	mix := &s.cfg.Mix
	p := &s.properties[s.propertyPick.pick(s.rnd.Float64())]
	v := session{property: p, page: &p.pages[0]}
	v.pagesLeft = 1
	for s.rnd.chance(0.6) && v.pagesLeft < 40 {
		v.pagesLeft++
	}
	switch {
	case s.rnd.chance(mix.Programs):
		v.client = s.clientOf(p, programNumbers+uint64(s.rnd.Int64N(64)))
		v.pagesLeft += s.rnd.IntN(12)
	case s.rnd.chance(mix.HotClient):
		v.property = &s.properties[0]
		v.client = s.clientOf(v.property, 0)
		v.client.cookieless, v.client.measurement, v.client.sessionless = false, false, false
	case p.clients > 0 && s.rnd.chance(mix.Returning):
		u := s.rnd.Float64() // few come often, many come once
		v.client = s.clientOf(p, uint64(float64(p.clients)*u*u*u))
	default:
		v.client = s.clientOf(p, p.clients)
		p.clients++
		v.isFirst = true
	}
	v.origin = &s.origins[s.originPick.pick(s.rnd.Float64())]
	v.buys = !v.client.isProgram && s.rnd.chance(mix.Purchasing)
	if !v.client.measurement && s.rnd.chance(mix.Skewed) {
		v.skew = s.rnd.between(-7_200_000, 7_200_000)
	}
	v.shift = s.delay(v.client.measurement)
	start := ms - v.shift
	if !v.client.cookieless {
		v.id = v.client.clientID()
		if !v.client.sessionless {
			v.sid = strconv.FormatInt(start/1000, 10)
		}
	}
	return v
}

// delay returns how late a session is told: mostly not at all.
func (s *Source) delay(isTrusted bool) int64 {
	const minute, hour = 60_000, 3_600_000
	allowed := event.AllowedLateness.Milliseconds()
	if isTrusted {
		allowed = event.AllowedLatenessTrusted.Milliseconds()
	}
	u := s.rnd.Float64()
	switch mix := &s.cfg.Mix; {
	case u < mix.TooLate:
		return allowed + s.rnd.between(10*minute, 20*hour)
	case u < mix.TooLate+mix.Late:
		return s.rnd.between(5*minute, allowed-hour)
	}
	return 0
}

// arrival returns how long an event is on its way, in milliseconds.
func (s *Source) arrival() int64 {
	if s.rnd.chance(s.cfg.Mix.Stragglers) {
		return s.rnd.between(2_000, 180_000)
	}
	return int64(80 * s.rnd.ExpFloat64())
}

// play does the next step of v: it fills e and returns how long the session
// pauses then.
func (s *Source) play(v *session, e *event.Event) (pause int64) {
	switch v.next {
	case stepPage:
		return s.viewPage(v, e)
	case stepEngage:
		e.Name = "user_engagement"
		if v.client.measurement {
			e.Name = "read_page" // the name above is reserved there
		}
		e.EngagementMs = min(v.think, 600_000)
		if s.rnd.chance(0.35) {
			v.next = stepAct
			return s.rnd.between(500, 8_000)
		}
	case stepAct:
		s.act(v, e)
	case stepCheckout:
		e.Name = "begin_checkout"
		v.next = stepPurchase
		return s.rnd.pause(40, 0.5)
	case stepPurchase:
		s.purchase(v, e)
		v.next = stepEnd
		return 0
	}
	return s.turnPage(v)
}

// turnPage decides what comes after a page.
func (s *Source) turnPage(v *session) (pause int64) {
	switch {
	case v.pagesLeft > 0:
		v.next = stepPage
	case v.buys:
		v.next, v.buys = stepCheckout, false
	default:
		v.next = stepEnd
	}
	return s.rnd.between(200, 900)
}

func (s *Source) viewPage(v *session, e *event.Event) (pause int64) {
	e.Name = "page_view"
	before, landing := v.page.url, v.url == ""
	v.page = &v.property.pages[v.property.popular.pick(s.rnd.Float64())]
	v.pagesLeft--
	v.url, v.referrer = v.page.url, before
	if landing {
		v.url, v.referrer = v.page.landingURL(v.origin.query), v.origin.referrer
		e.FirstVisit = v.isFirst && !v.client.cookieless && !v.client.measurement
	}
	e.Url, e.Title, e.Referrer = v.url, v.page.title, v.referrer
	if v.client.isProgram {
		if v.pagesLeft <= 0 {
			v.next = stepEnd
		}
		return s.rnd.between(300, 2_000)
	}
	v.think = max(400, s.rnd.pause(22, 1.1))
	v.next = stepEngage
	if s.rnd.chance(0.2) { // closed or lost before the tracker could tell
		return v.think + s.turnPage(v)
	}
	return v.think
}

// act does something on the page.
func (s *Source) act(v *session, e *event.Event) {
	u := s.rnd.Float64()
	switch {
	case u < 0.4 && v.page.item != nil:
		e.Name, e.Params = "view_item", v.page.item
		s.money(v, e, v.page.price)
	case u < 0.55 && v.page.item != nil:
		e.Name, e.Params = "add_to_cart", v.page.item
		s.money(v, e, v.page.price)
	case u < 0.75:
		e.Name, e.Params = "scroll", s.common.scroll
	case u < 0.9:
		e.Name, e.Params = "click", s.common.click
	default:
		e.Name, e.Params = "search", s.common.search
	}
}

func (s *Source) purchase(v *session, e *event.Event) {
	e.Name = "purchase"
	e.Params = []*event.Param{
		event.TextParam("transaction_id", "T"+strconv.FormatUint(s.rnd.Uint64()>>24, 36)),
		event.IntegerParam("quantity", s.rnd.between(1, 4)),
	}
	price := v.page.price
	if price == 0 {
		price = 19_990_000
	}
	s.money(v, e, price)
}

// money sets the value of an event: now and then in another currency (S35).
func (s *Source) money(v *session, e *event.Event, micros int64) {
	e.ValueMicros, e.HasValue, e.Currency = micros, true, v.property.Currency
	if s.rnd.chance(0.03) {
		e.Currency = "CHF"
	}
}
