// Row: the event's own facts as the store keeps them (S24), and the synthetic
// rows that wire flags ask for (S15).
package fold

import (
	"sort"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func (f *Fold) appendRows(out *store.Batch, c *client, part *Part, e *event.Event, def *definition, l *ledger.Outcomes) {
	row := f.eventRow(c, part, e, def)
	out.Events = append(out.Events, row)
	if e.SessionStart {
		l.Synthetic++
		out.Events = append(out.Events, synthetic(row, 1, "session_start", def))
	}
	if e.FirstVisit {
		l.Synthetic++
		out.Events = append(out.Events, synthetic(row, 2, "first_visit", def))
	}
}

// eventRow makes the row of e. Its texts are those of the record and of the facts: the
// store has its own way to keep texts once, and looks for each of them anyway.
func (f *Fold) eventRow(c *client, part *Part, e *event.Event, def *definition) store.EventRow {
	country, region, city := geoOf(e)
	facts := &f.facts
	return store.EventRow{
		Property: c.property, Row: f.now, Part: event.RowID(part.Id), Client: event.RowID(c.Number),
		UserID: e.UserId, Verdict: c.verdict,
		EventTime: event.Time(e.EventTime), IngestTime: event.Time(e.IngestTime),
		Index: e.Index, Key: e.Key,
		Name: e.Name, Host: facts.Host, Path: facts.Path, Query: facts.Query,
		Title: orNotSet(e.Title), Referrer: orNotSet(e.Referrer),
		Language: orNotSet(e.Language), Screen: orNotSet(e.Screen),
		Country: country, Region: region, City: city,
		Category: facts.Category, Browser: facts.Browser, OS: facts.OS, OSMajor: facts.OSMajor,
		Source: facts.Source, Medium: facts.Medium, Campaign: facts.Campaign,
		EngagementMS: e.EngagementMs, Active: isActive(e), PageView: isPageView(e.Name),
		KeyEvent: isKeyEvent(e, def), ValueMicros: e.ValueMicros, Currency: currency(e),
		MarkedKey: e.KeyEvent, CountedBefore: e.SessionCount > 1,
		Params: f.params(e),
	}
}

func synthetic(row store.EventRow, sub uint8, name string, def *definition) store.EventRow {
	row.Sub, row.Name = sub, name
	row.EngagementMS, row.ValueMicros, row.Currency = 0, 0, notSet
	row.PageView, row.Active = false, name == "first_visit"
	row.KeyEvent = def.keyEvents[name]
	return row
}

// isActive is S11.
func isActive(e *event.Event) bool {
	return e.FirstVisit || e.Name == "first_visit" || e.Name == "first_open" ||
		e.EngagementMs > 0 || e.Engaged || (!e.EngagementKnown && !e.Passive)
}

// currency is that of e's value (S35).
func currency(e *event.Event) string {
	if !e.HasValue {
		return notSet
	}
	return orNotSet(e.Currency)
}

func geoOf(e *event.Event) (country, region, city string) {
	if e.Geo == nil {
		return notSet, notSet, notSet
	}
	return orNotSet(e.Geo.Country), orNotSet(e.Geo.Region), orNotSet(e.Geo.City)
}

func orNotSet(s string) string {
	if s == "" {
		return notSet
	}
	return s
}

// params renders e's params as a JSON object, keys sorted.
func (f *Fold) params(e *event.Event) string {
	if len(e.Params) == 0 {
		return ""
	}
	if !sort.SliceIsSorted(e.Params, func(i, j int) bool { return e.Params[i].Key < e.Params[j].Key }) {
		sort.SliceStable(e.Params, func(i, j int) bool { return e.Params[i].Key < e.Params[j].Key })
	}
	b := append(f.keyBuf[:0], '{')
	for i, p := range e.Params {
		if i > 0 && p.Key == e.Params[i-1].Key {
			continue // a key counts once: the first value given
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONText(b, p.Key)
		b = append(b, ':')
		b = appendJSONValue(b, p)
	}
	f.keyBuf = append(b, '}')
	return string(f.keyBuf)
}
