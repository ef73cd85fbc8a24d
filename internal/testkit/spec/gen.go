// Random traffic: small, and dense where the rules have their edges, so that a
// property test meets gaps of exactly 30 minutes, midnights, and the last
// microsecond of the allowed lateness within few events.
package spec

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

// Traffic is what some clients of some properties did, in the order of arrival.
type Traffic struct {
	Properties []property.Property
	Arrivals   []*event.Event // by IngestTime
}

// Records returns the log: all definitions, then the arrivals.
func (t Traffic) Records() []*event.Record {
	var records []*event.Record
	first := event.Time(0)
	if len(t.Arrivals) > 0 {
		first = event.Time(t.Arrivals[0].IngestTime)
	}
	for _, p := range t.Properties {
		records = append(records, DefinitionRecord(p, first))
	}
	return append(records, Records(t.Arrivals)...)
}

// Permute returns the same traffic in another legal order of arrival (D3).
func (t Traffic) Permute(rt *rapid.T) Traffic {
	return Traffic{Properties: t.Properties, Arrivals: Permute(rt, t.Arrivals)}
}

// Duplicate returns t with legal copies of some of its events; reports and stored
// events stay the same (S7).
func (t Traffic) Duplicate(rt *rapid.T) Traffic {
	more := t.Arrivals
	for _, e := range t.Arrivals {
		if !rapid.Bool().Draw(rt, "copied") || event.TooLate(e) {
			continue
		}
		again := proto.Clone(e).(*event.Event)
		left := e.EventTime + allowed(e) - e.IngestTime
		again.IngestTime += rapid.Int64Range(0, left).Draw(rt, "copy delay")
		more = append(more[:len(more):len(more)], again)
	}
	out := Traffic{Properties: t.Properties, Arrivals: append([]*event.Event(nil), more...)}
	ByArrival(out.Arrivals)
	return out
}

// End returns the latest IngestTime.
func (t Traffic) End() event.Time {
	end := event.Time(0)
	for _, e := range t.Arrivals {
		end = max(end, event.Time(e.IngestTime))
	}
	return end
}

// RandomTraffic draws one to three properties and up to some sixty events.
func RandomTraffic(rt *rapid.T) Traffic {
	var t Traffic
	for i := range rapid.IntRange(1, 3).Draw(rt, "properties") {
		p := randomProperty(rt, event.PropertyID(i+1))
		t.Properties = append(t.Properties, p)
		for c := range rapid.IntRange(1, 4).Draw(rt, "clients") {
			t.Arrivals = append(t.Arrivals, randomClient(rt, p, fmt.Sprintf("client%d", c))...)
		}
	}
	ByArrival(t.Arrivals)
	return t
}

func randomProperty(rt *rapid.T, id event.PropertyID) property.Property {
	zones := []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"}
	return property.Property{
		ID: id, Name: "random", Version: 1, Currency: "EUR", ChannelRules: "ga4@2026",
		TimeZone:       rapid.SampledFrom(zones).Draw(rt, "zone"),
		SessionTimeout: rapid.SampledFrom([]time.Duration{30 * time.Minute, 30 * time.Minute, 5 * time.Minute}).Draw(rt, "timeout"),
		KeyEvents: rapid.SampledFrom([][]string{
			{"purchase"}, {"purchase"}, {"purchase", "first_visit"}, {"session_start"}, nil,
		}).Draw(rt, "key events"),
		ObservedUsers:    rapid.IntRange(0, 3).Draw(rt, "observed") == 0,
		IgnoredReferrers: []string{"pay.example.net"},
	}
}

// walk is one client's way through time.
type walk struct {
	rt       *rapid.T
	property property.Property
	location *time.Location
	client   string
	at       time.Time
	count    int

	cookieless, sids, engagement, bot bool
}

func randomClient(rt *rapid.T, p property.Property, name string) []*event.Event {
	loc, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		rt.Fatalf("load zone: %v", err)
	}
	w := walk{rt: rt, property: p, location: loc, client: name,
		cookieless: rarely(rt, "cookieless"), sids: rapid.Bool().Draw(rt, "sids"),
		engagement: rapid.Bool().Draw(rt, "engagement"), bot: rarely(rt, "bot")}
	start := time.Date(2026, 3, 27, 20, 0, 0, 0, time.UTC) // Two days before Berlin changes its clock.
	w.at = start.Add(time.Duration(rapid.IntRange(0, 50).Draw(rt, "start hour")) * time.Hour)
	var arrivals []*event.Event
	for range rapid.IntRange(1, 12).Draw(rt, "events") {
		w.move()
		arrivals = append(arrivals, w.event())
	}
	return arrivals
}

func rarely(rt *rapid.T, what string) bool { return rapid.IntRange(0, 5).Draw(rt, what) == 0 }

// move goes on by one of the steps that rules are about, or to an edge of a day.
func (w *walk) move() {
	const day = 24 * time.Hour
	timeout := w.property.SessionTimeout
	steps := []time.Duration{
		0, time.Microsecond, time.Second, 10*time.Second - time.Microsecond, 10 * time.Second, 3 * time.Minute,
		timeout - time.Microsecond, timeout, timeout + time.Microsecond, 2 * time.Hour, 11 * time.Hour,
		20 * time.Hour, day - time.Microsecond, day, day + time.Microsecond,
	}
	switch rapid.IntRange(0, 11).Draw(w.rt, "step kind") {
	case 0: // around the next local midnight
		y, m, d := w.at.In(w.location).Date()
		midnight := time.Date(y, m, d+1, 0, 0, 0, 0, w.location)
		w.at = midnight.Add(time.Duration(rapid.IntRange(-1, 1).Draw(w.rt, "midnight")) * time.Microsecond)
	case 1: // a long absence, some of it around the memory of sources
		far := []time.Duration{3 * day, 5 * day, 90*day - time.Microsecond, 90 * day, 90*day + time.Microsecond}
		w.at = w.at.Add(rapid.SampledFrom(far).Draw(w.rt, "absence"))
	case 2: // something happened before what was last told
		w.at = w.at.Add(-rapid.SampledFrom(steps).Draw(w.rt, "step back"))
	default:
		w.at = w.at.Add(rapid.SampledFrom(steps).Draw(w.rt, "step"))
	}
}

// event draws what happens now.
func (w *walk) event() *event.Event {
	rt := w.rt
	w.count++
	e := &event.Event{
		Property: uint64(w.property.ID), MeasurementId: "G-RANDOM0001", ClientId: w.client,
		Key: fmt.Sprintf("%s-%02d", w.client, rapid.IntRange(0, 9).Draw(rt, "key")*100+w.count),
		// Index is 0 mostly, so that keys decide at equal times.
		Index: uint32(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(rt, "index")),
		Name: rapid.SampledFrom([]string{
			"page_view", "page_view", "page_view", "screen_view", "click", "purchase", "refund"}).Draw(rt, "name"),
		Url:       address(rapid.SampledFrom([]string{"/a", "/b", "/c?x=1", "/a?utm_source=letter&utm_medium=email", "-"}).Draw(rt, "url")),
		Title:     rapid.SampledFrom([]string{"", "News", "NEWS"}).Draw(rt, "title"),
		UserAgent: agents()[rapid.SampledFrom([]string{"chrome-windows", "safari-iphone"}).Draw(rt, "agent")],
		Trusted:   rarely(rt, "trusted"), Cookieless: w.cookieless,
		EventTime: w.at.UnixMicro(), ClockFix: event.ClockFix_CLOCK_FIX_AS_SENT,
		EngagementKnown: w.engagement,
	}
	w.person(e)
	w.optional(e)
	w.arrive(e)
	if e.Cookieless {
		e.ClientId += "@" + w.at.In(w.location).Format(time.DateOnly)
	}
	return e
}

// person draws who and from where.
func (w *walk) person(e *event.Event) {
	rt := w.rt
	referrers := []string{"", "", "", "", "https://birds.example.org/", "https://www.google.com/", "https://pay.example.net/"}
	e.Referrer = rapid.SampledFrom(referrers).Draw(rt, "referrer")
	if c := rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(rt, "country"); c != "" {
		e.Geo = &event.Geo{Country: c}
	}
	if w.bot && rapid.Bool().Draw(rt, "as bot") {
		e.UserAgent = agents()["googlebot"]
	}
	e.UserId = rapid.SampledFrom([]string{"", "", "", "ann", "bob"}).Draw(rt, "user")
	switch {
	case rarely(rt, "sessionless"):
		e.Sessionless = true
	case w.sids:
		e.SessionId = rapid.SampledFrom([]string{"", "1", "1", "2"}).Draw(rt, "sid")
	}
}

// optional draws what most events do not have.
func (w *walk) optional(e *event.Event) {
	rt := w.rt
	if w.engagement && rapid.Bool().Draw(rt, "has engagement") {
		e.EngagementMs = rapid.SampledFrom([]int64{1, 4_000, 9_999, 10_000}).Draw(rt, "engagement")
	}
	e.Passive, e.Engaged = rarely(rt, "passive"), rarely(rt, "engaged")
	e.FirstVisit, e.SessionStart = rarely(rt, "first visit"), rarely(rt, "session start")
	e.KeyEvent = rarely(rt, "key event")
	if rarely(rt, "knows its sessions") {
		e.SessionCount = uint32(rapid.IntRange(1, 2).Draw(rt, "session count"))
	}
	if e.Name == "purchase" || e.Name == "refund" {
		w.money(e)
	}
	if rapid.Bool().Draw(rt, "has param") {
		e.Params = []*event.Param{event.TextParam("colour", rapid.SampledFrom([]string{"red", "Red", "blue"}).Draw(rt, "colour"))}
	}
}

// money draws a value: mostly in the property's currency, rarely in another or in none.
func (w *walk) money(e *event.Event) {
	if rarely(w.rt, "no value") {
		return
	}
	e.HasValue, e.ValueMicros = true, rapid.Int64Range(0, 100_000_000).Draw(w.rt, "value")
	e.Currency = rapid.SampledFrom([]string{"EUR", "EUR", "EUR", "SEK", ""}).Draw(w.rt, "currency")
}

// arrive draws how late the event comes.
func (w *walk) arrive(e *event.Event) {
	most := allowed(e)
	delays := []int64{0, 0, 1, time.Minute.Microseconds(), most - 1, most, most + 1, most + time.Hour.Microseconds()}
	delay := rapid.SampledFrom(delays).Draw(w.rt, "delay kind")
	if rapid.Bool().Draw(w.rt, "any delay") {
		delay = rapid.Int64Range(0, most).Draw(w.rt, "delay")
	}
	e.IngestTime = e.EventTime + delay
}
