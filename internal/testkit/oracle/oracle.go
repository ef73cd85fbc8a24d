// Oracle: keeps records, drops copies and what came too late, and keeps the account.
package oracle

import (
	"slices"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/report"
)

// Oracle is the naive fold, store and report in one.
type Oracle struct {
	deriver *enrich.Deriver
	records []*event.Record
	worlds  map[event.PropertyID]*world // nil: to be computed
}

// New returns an Oracle that has seen nothing.
func New() *Oracle { return &Oracle{deriver: enrich.NewDeriver(enrich.DefaultConfig())} }

// Fold adds records in the order of the log. Partitions do not matter as long
// as the records of each client are in order. It keeps the records.
func (o *Oracle) Fold(records []*event.Record) {
	o.records = append(o.records, records...)
	o.worlds = nil
}

// Ledger returns the account of a property (S33). All records came from a log,
// so everything received was accepted, and nothing is pending.
func (o *Oracle) Ledger(id event.PropertyID) report.Ledger {
	w := o.world(id)
	l := w.ledger
	l.Received = l.Accepted
	return l
}

// world is all that is known of one property.
type world struct {
	definition *event.Definition // the newest
	rows       []*row            // counted events and synthetic rows
	sessions   []*session
	clients    []*client
	ledger     report.Ledger
}

// row is one counted event, or a synthetic row beside it (S15).
type row struct {
	event *event.Event
	facts enrich.Facts

	synthetic    bool
	name         string
	active       bool // S11
	pageView     bool
	keyEvent     bool
	engagementMS int64
	valueMicros  int64 // of the value param, whatever its currency (S35)
	currency     string

	client  *client
	session *session // nil: the event belongs to no session (S13)
	holder  string   // the day's holder of events without session; "" if it has a session
	// beforeFirst: outside sessions, on a day before that of the client's first session.
	beforeFirst bool
	first       bool // the client's first event (S18)
}

func (o *Oracle) world(id event.PropertyID) *world {
	if o.worlds == nil {
		o.worlds = map[event.PropertyID]*world{}
	}
	w := o.worlds[id]
	if w == nil {
		w = o.build(id)
		o.worlds[id] = w
	}
	return w
}

// build reads the whole log from the start for one property.
func (o *Oracle) build(id event.PropertyID) *world {
	w := &world{definition: &event.Definition{
		Property: uint64(id), TimeZone: "UTC", Currency: "USD", SessionTimeoutMs: 30 * 60 * 1000}}
	type scopedKey struct{ client, key string }
	remembered := map[scopedKey]event.Time{}
	for _, r := range o.records {
		if d := r.GetDefinition(); d != nil && d.Property == uint64(id) && d.Version > w.definition.Version {
			w.definition = d
		}
		e := r.GetEvent()
		if e == nil || e.Property != uint64(id) {
			continue
		}
		w.ledger.Accepted++
		if event.TooLate(e) {
			w.ledger.TooLate++ // S3
			continue
		}
		k := scopedKey{e.ClientId, e.Key}
		at, seen := remembered[k]
		if seen && event.Time(e.IngestTime).Sub(at) <= event.KeyMemory {
			w.ledger.Duplicate++ // S7
			continue
		}
		remembered[k] = event.Time(e.IngestTime)
		w.ledger.Stored++
		if e.ClockFix == event.ClockFix_CLOCK_FIX_CLAMPED {
			w.ledger.Clamped++ // S2
		}
		w.addRows(o.deriver, e)
	}
	w.sessionize()
	w.attribute()
	return w
}

// addRows adds the event's own row and the synthetic ones its wire flags ask for.
func (w *world) addRows(deriver *enrich.Deriver, e *event.Event) {
	r := &row{event: e, name: e.Name, engagementMS: e.EngagementMs, currency: notSet}
	deriver.Derive(e, w.definition, &r.facts)
	r.active = isActive(e)
	r.pageView = e.Name == "page_view" || e.Name == "screen_view"
	r.keyEvent = e.KeyEvent || slices.Contains(w.definition.KeyEvents, e.Name)
	if e.HasValue {
		r.valueMicros = e.ValueMicros
		r.currency = orNotSet(e.Currency)
	}
	w.rows = append(w.rows, r)
	if e.FirstVisit {
		w.addSynthetic(r, "first_visit", true)
	}
	if e.SessionStart {
		w.addSynthetic(r, "session_start", false)
	}
}

func (w *world) addSynthetic(host *row, name string, active bool) {
	w.ledger.Synthetic++
	w.rows = append(w.rows, &row{
		event: host.event, facts: host.facts, synthetic: true, name: name, active: active, currency: notSet,
		keyEvent: slices.Contains(w.definition.KeyEvents, name),
	})
}

// isActive applies S11: an event is active by its own facts.
func isActive(e *event.Event) bool {
	switch {
	case e.FirstVisit, e.Name == "first_visit", e.Name == "first_open":
		return true
	case e.EngagementMs > 0, e.Engaged:
		return true
	}
	return !e.EngagementKnown && !e.Passive
}

func (r *row) time() event.Time { return event.Time(r.event.EventTime) }

// before tells whether a's event comes before b's in the order of a client's events (S4).
func before(a, b *row) int { return event.OrderOf(a.event).Compare(event.OrderOf(b.event)) }
