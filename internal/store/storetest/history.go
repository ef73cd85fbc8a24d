// Histories: the same rows, split at random into batches, heads, segments,
// compactions and final days, must give the answers of the reference.
package storetest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// histories is how many of rapid's checks play one; ten plans each.
const histories = 25

const (
	hourMicros = event.Time(3_600_000_000)
	dayMicros  = 24 * hourMicros
	firstDay   = 20_000 * dayMicros
)

// sender is a session in the making.
type sender struct {
	property event.PropertyID
	session  store.SessionRow
	parts    []event.RowID // all that belong to it
}

// history draws rows day by day; what a fold could have sent.
type history struct {
	t        *rapid.T
	row      event.RowID
	revision uint64
	day      event.Time
	open     []*sender
}

func (h *history) pick(label string, texts ...string) string {
	return rapid.SampledFrom(texts).Draw(h.t, label)
}

// batch draws a batch of events of the current day.
func (h *history) batch() *store.Batch {
	b := &store.Batch{}
	for range rapid.IntRange(1, 6).Draw(h.t, "events") {
		h.revision++
		at := h.day + event.Time(rapid.Int64Range(0, int64(dayMicros)-1).Draw(h.t, "time"))
		h.row++
		v := h.sender(at)
		part := v.session.Session
		if rapid.IntRange(0, 4).Draw(h.t, "new part") == 0 && h.row != part {
			part = h.row
			v.parts = append(v.parts, part)
			b.Aliases = append(b.Aliases, store.AliasRow{Property: v.property, Part: part,
				Session: v.session.Session, Revision: h.revision, Time: at})
		}
		b.Events = append(b.Events, h.event(v, part, at))
		b.Sessions = append(b.Sessions, v.session)
	}
	if len(h.open) > 1 && rapid.IntRange(0, 3).Draw(h.t, "absorb") == 0 {
		h.absorb(b)
	}
	return b
}

// sender draws a session that the event joins, or opens one.
func (h *history) sender(at event.Time) *sender {
	if len(h.open) == 0 || rapid.Bool().Draw(h.t, "new session") {
		v := &sender{property: event.PropertyID(rapid.IntRange(1, 2).Draw(h.t, "property"))}
		v.session = store.SessionRow{Property: v.property, Session: h.row,
			Client:  event.RowID(rapid.IntRange(1, 4).Draw(h.t, "client")),
			Counted: rapid.IntRange(0, 5).Draw(h.t, "counted") > 0, Start: at, End: at,
			Source: h.pick("source", "google", "", store.NotSet, "Bing"), Country: h.pick("country", "DE", "FR"),
			NewVsReturning: h.pick("new", "new", "returning"), LandingPath: h.pick("landing", "/", "/a"),
			FirstEvent: h.row, HasFirst: rapid.Bool().Draw(h.t, "first"),
			Verdict: h.pick("verdict", "", "", "", "bot@1")}
		v.parts = []event.RowID{h.row}
		h.open = append(h.open, v)
	}
	v := rapid.SampledFrom(h.open).Draw(h.t, "session")
	s := &v.session
	s.Revision = h.revision
	s.Start, s.End = min(s.Start, at), max(s.End, at)
	s.Closes = s.End + hourMicros/2
	s.Events++
	s.Views += int64(rapid.IntRange(0, 1).Draw(h.t, "view"))
	s.RevenueMicros += rapid.Int64Range(0, 5).Draw(h.t, "revenue")
	s.Engaged = s.Views > 1
	if s.UserID == "" {
		s.UserID = h.pick("user", "", "", "u1", "u2")
	}
	return v
}

func (h *history) event(v *sender, part event.RowID, at event.Time) store.EventRow {
	return store.EventRow{Property: v.property, Row: h.row, Part: part, Client: v.session.Client,
		Verdict: v.session.Verdict, EventTime: at, IngestTime: at, Key: fmt.Sprint("key", h.row),
		Name: h.pick("name", "page_view", "click", "purchase", "refund"), Path: h.pick("path", "/", "/A", "/a", "/long/enough/to/not/be/inline"),
		Country: h.pick("event country", "DE", "AT"), Query: h.pick("query", "", "1", "2.5", "x"),
		EngagementMS: rapid.Int64Range(0, 9).Draw(h.t, "engagement"), Active: rapid.Bool().Draw(h.t, "active"),
		PageView: rapid.Bool().Draw(h.t, "page view"), ValueMicros: rapid.Int64Range(-9, 9).Draw(h.t, "value"),
		Currency: h.pick("currency", "EUR", "SEK", store.NotSet),
		Params:   h.pick("params", "", `{"p":"v"}`, `{"p":1.5,"q":true}`)}
}

// absorb merges one open session of the same property into another: a tombstone
// without times, as the fold sends it, and an alias for each of its parts.
func (h *history) absorb(b *store.Batch) {
	last := h.open[len(h.open)-1]
	for i, v := range h.open[:len(h.open)-1] {
		if v.property != last.property || v.session.Verdict != last.session.Verdict || v.session.Client != last.session.Client {
			continue
		}
		h.revision++
		h.open = append(h.open[:i], h.open[i+1:]...)
		last.session.Revision = h.revision
		last.session.Start = min(last.session.Start, v.session.Start)
		last.session.End = max(last.session.End, v.session.End)
		b.Sessions = append(b.Sessions, last.session, store.SessionRow{Property: v.property,
			Session: v.session.Session, Revision: h.revision, Tombstone: true, Client: v.session.Client})
		for _, part := range v.parts {
			b.Aliases = append(b.Aliases, store.AliasRow{Property: v.property, Part: part,
				Session: last.session.Session, Revision: h.revision, Time: v.session.End})
		}
		last.parts = append(last.parts, v.parts...)
		return
	}
}

// drawPlan draws a plan of any shape over the days so far.
func drawPlan(t *rapid.T, last event.Time) *store.Plan {
	p := &store.Plan{
		Property:      event.PropertyID(rapid.IntRange(1, 3).Draw(t, "plan property")),
		Relation:      rapid.SampledFrom([]store.Relation{store.Events, store.Sessions, store.EventSessions}).Draw(t, "relation"),
		From:          firstDay + event.Time(rapid.Int64Range(-1, 60).Draw(t, "from"))*hourMicros,
		Anchor:        last,
		ObservedUsers: rapid.Bool().Draw(t, "observed"),
		AllVerdicts:   rapid.Bool().Draw(t, "all verdicts"),
	}
	p.To = p.From + event.Time(rapid.Int64Range(0, 120).Draw(t, "hours"))*hourMicros
	for i := range rapid.IntRange(0, 3).Draw(t, "zone steps") {
		p.Zone = append(p.Zone, store.ZoneStep{At: firstDay + event.Time(i)*30*hourMicros,
			Offset: rapid.SampledFrom([]int64{0, 330, -600, 765}).Draw(t, "offset") * 60_000_000})
	}
	columns := []store.Dimension{{Column: store.ColCountry}, {Column: store.ColSource},
		{Column: store.ColVerdict}, {Column: store.ColUserID}, {Column: store.ColTime, Bucket: store.Date},
		{Column: store.ColTime, Bucket: store.Hour}, {Column: store.ColTime, Bucket: store.DateMinute},
		{Column: store.ColTime, Bucket: store.Week}, {Column: store.ColTime, Bucket: store.ISOWeek},
		{Column: store.ColTime, Bucket: store.Month}, {Column: store.ColTime, Bucket: store.Year},
		{Column: store.ColLandingPath}}
	if p.Relation != store.Sessions {
		columns = append(columns, store.Dimension{Column: store.ColPath}, store.Dimension{Column: store.ColQuery},
			store.Dimension{Column: store.ColCurrency},
			store.Dimension{Column: store.ColParam, Param: "p"})
	}
	dimension := rapid.SampledFrom(columns)
	p.Dimensions = rapid.SliceOfN(dimension, 0, 3).Draw(t, "dimensions")
	p.Aggregates = drawAggregates(t, p.Relation)
	if rapid.Bool().Draw(t, "filtered") {
		p.Filter = drawFilter(t, dimension, 2)
	}
	return p
}

func drawAggregates(t *rapid.T, r store.Relation) []store.Aggregate {
	all := []store.Aggregate{{Op: store.Count}, {Op: store.Count, Where: store.ColEngaged},
		{Op: store.Sum, Column: store.ColDurationMicros}, {Op: store.Sum, Column: store.ColSessionEvents},
		{Op: store.Sum, Column: store.ColSessionRevenue, Where: store.ColEngaged}}
	if r == store.Events {
		all = []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}, {Op: store.Count, Where: store.ColFirstEvent},
			{Op: store.DistinctUsers, Where: store.ColActive}, {Op: store.Sum, Column: store.ColValueMicros},
			{Op: store.Sum, Column: store.ColEngagementMS, Where: store.ColPageView}}
	}
	return rapid.SliceOfN(rapid.SampledFrom(all), 0, 4).Draw(t, "aggregates")
}

func drawFilter(t *rapid.T, d *rapid.Generator[store.Dimension], depth int) *store.Predicate {
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 3).Draw(t, "filter kind")
	}
	switch kind {
	case 1:
		return &store.Predicate{Not: drawFilter(t, d, depth-1)}
	case 2:
		return &store.Predicate{And: []*store.Predicate{drawFilter(t, d, depth-1), drawFilter(t, d, depth-1)}}
	case 3:
		return &store.Predicate{Or: []*store.Predicate{drawFilter(t, d, depth-1), drawFilter(t, d, depth-1)}}
	}
	value := rapid.SampledFrom([]string{"", "/a", "DE", "de", "google", "O", "1", "1.5", "bot@1", "20241004", store.NotSet})
	l := &store.Leaf{Dimension: d.Draw(t, "filter dimension"), CaseSensitive: rapid.Bool().Draw(t, "sensitive"),
		Match: rapid.SampledFrom([]store.Match{store.Exact, store.BeginsWith, store.EndsWith, store.Contains, store.In,
			store.NumLess, store.NumGreaterOrEqual}).Draw(t, "match"), Values: []string{value.Draw(t, "value")}}
	switch l.Match {
	case store.In:
		l.Values = append(l.Values, value.Draw(t, "value"))
	case store.NumLess, store.NumGreaterOrEqual:
		l.Values = []string{rapid.SampledFrom([]string{"1.5", "2", "-1"}).Draw(t, "number")}
	}
	return &store.Predicate{Leaf: l}
}

// testAnyHistoryGivesTheSameAnswers plays a drawn history on the adapter, with
// maintenance at random, and on a reference that only keeps rows.
func testAnyHistoryGivesTheSameAnswers(t *testing.T, open Opener) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > histories && !t.Failed() {
			return // each opens real stores several times
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) { playHistory(t, rt, open) })
		if t.Failed() {
			rt.Fatalf("history %d", n)
		}
	})
}

func playHistory(t *testing.T, rt *rapid.T, open Opener) {
	w := newWorld(t, open)
	all := tableRows{}
	h := &history{t: rt, row: 1000, day: firstDay}
	final := map[event.PropertyID]event.Time{}
	zone := drawZone(rt)
	for range rapid.IntRange(4, 16).Draw(rt, "steps") {
		switch rapid.IntRange(0, 9).Draw(rt, "step") {
		case 0:
			w.checkpoint()
			w.compact()
		case 1:
			w.checkpoint()
			w.reopen()
		case 2: // a day ends: no session of it can grow, so it may become final
			h.day += dayMicros
			h.open = nil
			w.checkpoint()
			p := event.PropertyID(rapid.IntRange(1, 2).Draw(rt, "final property"))
			final[p] = h.day
			w.finalize(map[event.PropertyID]event.Time{p: h.day})
			w.drawRollUp(rt, zone, final)
		case 3:
			w.checkpoint()
		case 4:
			w.checkpoint()
			w.drawRollUp(rt, zone, final)
		default:
			b := h.batch()
			w.append(b)
			all.events = append(all.events, b.Events...)
			all.sessions = append(all.sessions, b.Sessions...)
			all.aliases = append(all.aliases, b.Aliases...)
		}
	}
	sn := w.snapshot()
	defer sn.Release()
	for i := range 10 {
		p := drawPlan(rt, h.day)
		if i > 5 {
			p = drawRolledPlan(rt, zone)
		}
		rows, err := sn.Run(context.Background(), p)
		want, wantErr := evaluate(p, resolve([]part{{rows: all}}, store.Manifest{}, p.Property))
		comparePlan(t, p, rows, err, want, wantErr)
	}
}

// describe prints a filter for a failure.
func describe(f *store.Predicate) string {
	switch {
	case f == nil:
		return "none"
	case f.Leaf != nil:
		return fmt.Sprintf("%+v", *f.Leaf)
	case f.Not != nil:
		return "not " + describe(f.Not)
	}
	s := "("
	for _, sub := range append(f.And, f.Or...) {
		s += describe(sub) + ", "
	}
	return s + fmt.Sprintf("all=%v)", len(f.And) > 0)
}
