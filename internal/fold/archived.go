// Archived events: folding what was folded before, once more (replay). What is
// decided for good is taken from the row: that the event counts, its facts of the
// connection, whether it is active. Parts, sessions and attribution are made by the same
// code that folds the log.
package fold

import (
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// stranger is set in the number of a client that a replay makes because a rule
// changed the verdict of events: the row that would be its number belongs to another.
const stranger = 1 << 63

// Define sets the definition in force, for a replay.
func (f *Fold) Define(d *event.Definition) error {
	def, err := f.newDefinition(d)
	if err != nil {
		return err
	}
	f.definitions[event.PropertyID(d.Property)] = def
	return nil
}

// Advance says that no event before t will be applied any more. A replay reads
// events by the days on which they happened, so this, not IngestTime, is its clock.
func (f *Fold) Advance(t event.Time) { f.clock = t.Add(StateHorizon) }

// ApplyArchived folds one archived event. If logged is given, the log still holds
// the event's record: what is derived from it is derived anew; else it is as it was.
// Events of a client must come in the order of their rows within a local day, and day
// by day. Sessions follow in Flush.
func (f *Fold) ApplyArchived(a *store.ArchivedEvent, logged *event.Event, out *store.Batch) error {
	f.now = a.Row
	f.replays++
	def := f.definition(a.Property)
	e := &f.event
	fillArchived(e, a)
	if logged != nil {
		f.derive.Derive(logged, def.record, &f.facts)
	} else {
		f.archivedFacts(a)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.client(a.Property, f.facts.Verdict, e.ClientId)
	if err != nil {
		return err
	}
	if c.FirstEvent == nil {
		c.Number = uint64(a.Client)
		if f.facts.Verdict != a.Verdict {
			c.Number = uint64(a.Row) | stranger
		}
	}
	f.touch(c)
	var account ledger.Outcomes // the events were accounted for when they came
	f.kept = kept{}
	part := f.place(c, e, def, &account)
	f.add(c, part, e, def)
	n := len(out.Events)
	f.appendRows(out, c, part, e, def, &account)
	for i := range out.Events[n:] {
		out.Events[n+i].Params = a.Params
	}
	return nil
}

// fillArchived makes of a row the event that says the same.
func fillArchived(e *event.Event, a *store.ArchivedEvent) {
	e.Reset()
	e.Property, e.ClientId, e.UserId = uint64(a.Property), a.ClientID, a.UserID
	e.SessionId, e.Sessionless = a.SessionID, a.Sessionless
	e.Key, e.Index = a.Key, a.Index
	e.EventTime, e.IngestTime = int64(a.EventTime), int64(a.IngestTime)
	e.Name, e.Title, e.Referrer = a.Name, unset(a.Title), unset(a.Referrer)
	e.Language, e.Screen = unset(a.Language), unset(a.Screen)
	e.Geo = &event.Geo{Country: unset(a.Country), Region: unset(a.Region), City: unset(a.City)}
	e.EngagementMs = a.EngagementMS
	e.EngagementKnown, e.Passive = !a.Active, !a.Active
	e.FirstVisit, e.SessionStart = a.FirstVisit, a.SessionStart
	if a.CountedBefore {
		e.SessionCount = 2
	}
	e.KeyEvent = a.MarkedKey
	e.ValueMicros, e.Currency, e.HasValue = a.ValueMicros, unset(a.Currency), a.ValueMicros != 0 || a.Currency != notSet
}

func unset(s string) string {
	if s == notSet {
		return ""
	}
	return s
}

func (f *Fold) archivedFacts(a *store.ArchivedEvent) {
	f.facts.Host, f.facts.Path, f.facts.Query = a.Host, a.Path, a.Query
	f.facts.Category, f.facts.Browser, f.facts.OS, f.facts.OSMajor = a.Category, a.Browser, a.OS, a.OSMajor
	f.facts.Source, f.facts.Medium, f.facts.Campaign = a.Source, a.Medium, a.Campaign
	f.facts.HasSource = a.Source != notSet || a.Medium != notSet || a.Campaign != notSet
	f.facts.Verdict = a.Verdict
}

// ArchivedRecord returns the key and the record of a client as its archived past
// leaves it: what a fold that read all of it would remember (S16).
func ArchivedRecord(p event.PropertyID, a *store.ArchivedClient) (key, value []byte, err error) {
	r := &ClientRecord{Number: uint64(a.Client), ClientId: a.ClientID, History: &History{Sessions: a.Sessions},
		FirstEvent: &Place{EventTime: int64(a.First)}, FirstRow: uint64(a.Client), LastEventTime: int64(a.First)}
	if a.Sessions > 0 {
		r.History.FirstSession = archivedOrigin(a.FirstSession, a.FirstSource)
	}
	if a.HasOwn {
		r.History.LastOrigin, r.History.LastOriginStart = archivedOrigin(a.LastOwn, a.LastSource), int64(a.LastOwn)
	}
	if value, err = r.MarshalVT(); err != nil {
		return nil, nil, fmt.Errorf("encode archived client: %w", err)
	}
	return ClientKey(nil, p, a.Verdict, a.ClientID), value, nil
}

func archivedOrigin(at event.Time, s store.Source) *Origin {
	return &Origin{Place: &Place{EventTime: int64(at)}, Source: s.Source, Medium: s.Medium, Campaign: s.Campaign}
}
