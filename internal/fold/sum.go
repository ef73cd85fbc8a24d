// Sum: a part is the sum of its events: minima, maxima, counts (S14). Adding in
// any order gives the same sum, which is why arrival order cannot matter (D3).
package fold

import (
	"strings"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
)

// add adds e, whose facts were derived into f.facts, to part and to what the
// client knows of itself.
func (f *Fold) add(c *client, part *Part, e *event.Event, def *definition) {
	order := event.OrderOf(e)
	c.hit(part)
	c.LastEventTime = max(c.LastEventTime, e.EventTime)
	if c.FirstEvent == nil || (part.Thread != THREAD_ALONE && order.Compare(c.FirstEvent.order()) < 0) {
		c.FirstEvent, c.FirstRow, c.FirstPart = f.keep(e).place, uint64(f.now), part.Id
		c.shaken = true
	}
	if part.First == nil || order.Compare(part.First.order()) < 0 {
		part.First = f.keep(e).place
		c.shaken = true
		part.Visit = f.visit(e, &f.facts)
	}
	part.End = max(part.End, e.EventTime)
	part.Events++
	part.EngagementMs += e.EngagementMs
	part.CountedBefore = part.CountedBefore || e.SessionCount > 1
	if isPageView(e.Name) {
		part.Views++
	}
	if e.Name == "page_view" {
		f.addView(part, order, e)
	}
	part.KeyEvents += keyEvents(e, def)
	part.RevenueMicros += revenue(e, def)
	if f.facts.HasSource && (part.Origin == nil || order.Compare(part.Origin.Place.order()) < 0) {
		c.shaken = true
		part.Origin = &Origin{Place: f.keep(e).place, Source: f.names.get(f.facts.Source),
			Medium: f.names.get(f.facts.Medium), Campaign: f.names.get(f.facts.Campaign)}
	}
	if e.UserId != "" && (part.UserPlace == nil || order.Compare(part.UserPlace.order()) < 0) {
		part.UserPlace, part.UserId = f.keep(e).place, strings.Clone(e.UserId)
	}
}

func (f *Fold) addView(p *Part, order event.Order, e *event.Event) {
	first := p.Landing == nil || order.Compare(p.Landing.Place.order()) < 0
	last := p.Exit == nil || order.Compare(p.Exit.Place.order()) > 0
	if !first && !last {
		return
	}
	page := f.keep(e).page
	if first {
		p.Landing = page
	}
	if last {
		p.Exit = page
	}
}

// absorb adds q to p. q is not used afterwards.
func (p *Part) absorb(q *Part) {
	if q.First.order().Compare(p.First.order()) < 0 {
		p.First, p.Visit = q.First, q.Visit
	}
	p.End = max(p.End, q.End)
	if q.Landing != nil && (p.Landing == nil || q.Landing.Place.order().Compare(p.Landing.Place.order()) < 0) {
		p.Landing = q.Landing
	}
	if q.Exit != nil && (p.Exit == nil || q.Exit.Place.order().Compare(p.Exit.Place.order()) > 0) {
		p.Exit = q.Exit
	}
	if q.Origin != nil && (p.Origin == nil || q.Origin.Place.order().Compare(p.Origin.Place.order()) < 0) {
		p.Origin = q.Origin
	}
	if q.UserPlace != nil && (p.UserPlace == nil || q.UserPlace.order().Compare(p.UserPlace.order()) < 0) {
		p.UserPlace, p.UserId = q.UserPlace, q.UserId
	}
	p.Events += q.Events
	p.Views += q.Views
	p.KeyEvents += q.KeyEvents
	p.EngagementMs += q.EngagementMs
	p.RevenueMicros += q.RevenueMicros
	p.CountedBefore = p.CountedBefore || q.CountedBefore
	p.Absorbed = append(append(p.Absorbed, q.Id), q.Absorbed...)
	// Whatever the store was told of either, it must hear of all of them again.
	p.ToldSession = untold
}

func (f *Fold) visit(e *event.Event, facts *enrich.Facts) *Visit {
	country, region, city := geoOf(e)
	return &Visit{
		Country: f.names.get(country), Region: f.names.get(region), City: f.names.get(city),
		Language: f.names.get(orNotSet(e.Language)), Screen: f.names.get(orNotSet(e.Screen)),
		Category: f.names.get(facts.Category), Browser: f.names.get(facts.Browser),
		Os: f.names.get(facts.OS), OsMajor: f.names.get(facts.OSMajor),
	}
}

// revenue is what e adds to its session's revenue: purchases less refunds in the
// property's currency (S35).
func revenue(e *event.Event, def *definition) int64 {
	if !e.HasValue || e.Currency != def.record.Currency {
		return 0
	}
	switch e.Name {
	case "purchase", "ecommerce_purchase", "in_app_purchase",
		"app_store_subscription_convert", "app_store_subscription_renew":
		return e.ValueMicros
	case "refund":
		return -e.ValueMicros
	}
	return 0
}

// keyEvents is how many key events e is, its synthetic rows included.
func keyEvents(e *event.Event, def *definition) (n int64) {
	for _, is := range [...]bool{isKeyEvent(e, def), e.SessionStart && def.keyEvents["session_start"],
		e.FirstVisit && def.keyEvents["first_visit"]} {
		if is {
			n++
		}
	}
	return n
}

func isPageView(name string) bool { return name == "page_view" || name == "screen_view" }

func isKeyEvent(e *event.Event, def *definition) bool {
	return e.KeyEvent || def.keyEvents[e.Name]
}

func (p *Place) order() event.Order {
	return event.Order{EventTime: event.Time(p.EventTime), Index: p.Index, Key: p.Key}
}
