// Columns: where each column of a plan comes from, and as what it reads.
package duckstore

import (
	"fmt"

	"tidemark/internal/store"
)

// kind is what a column may be used for.
type kind uint8

const (
	kindText kind = iota
	kindBool
	kindNumber
	kindTime
	kindParam
)

// source says how a column of the joined rows `ev` is made.
type source struct {
	kind        kind
	young       string // over e (events), s (session), both young
	final       string // over f
	needSession []string
	needEvent   []string
}

func eventText(c store.Column) source {
	return source{kind: kindText, young: "e." + string(c), final: "f." + string(c),
		needEvent: []string{string(c)}}
}

func eventOf(k kind, c store.Column) source {
	s := eventText(c)
	s.kind = k
	return s
}

func throughSession(c store.Column) source {
	return source{kind: kindText, young: "coalesce(s." + string(c) + ", " + quote(store.NotSet) + ")",
		final: "f." + string(c), needSession: []string{string(c)}}
}

// eventSources are the columns of Events and EventSessions.
func eventSources() map[store.Column]source {
	m := map[store.Column]source{
		store.ColUserID:  eventText(store.ColUserID),
		store.ColVerdict: eventText(store.ColVerdict),
		store.ColParam: {kind: kindParam, young: "e.params", final: "f.params",
			needEvent: []string{"params"}},
		store.ColTime: {kind: kindTime, young: "e.event_time", final: "f.event_time"},
		store.ColFirstEvent: {kind: kindBool,
			young: "coalesce(s.has_first AND s.first_event_row = e.row_id AND e.sub = 0, false)",
			final: "f.first_event", needEvent: []string{"row_id", "sub"},
			needSession: []string{"has_first", "first_event_row"}},
	}
	for _, c := range []store.Column{store.ColName, store.ColHost, store.ColPath, store.ColQuery,
		store.ColTitle, store.ColReferrer, store.ColEventSource, store.ColEventMedium,
		store.ColEventCampaign, store.ColCurrency} {
		m[c] = eventText(c)
	}
	for _, c := range bothFacts() {
		m[store.Column(c.name)] = eventText(store.Column(c.name))
	}
	for _, c := range sessionTexts() {
		m[store.Column(c.name)] = throughSession(store.Column(c.name))
	}
	for _, c := range []store.Column{store.ColActive, store.ColPageView, store.ColKeyEvent} {
		m[c] = eventOf(kindBool, c)
	}
	for _, c := range []store.Column{store.ColEngagementMS, store.ColValueMicros} {
		m[c] = eventOf(kindNumber, c)
	}
	return m
}

// sessionSources are the columns of Sessions; young and final rows have the
// same names there.
func sessionSources() map[store.Column]source {
	same := func(k kind, column string) source {
		return source{kind: k, young: "s." + column, final: "f." + column,
			needSession: []string{column}}
	}
	m := map[store.Column]source{
		store.ColUserID:  same(kindText, "user_id"),
		store.ColVerdict: same(kindText, "verdict"),
		store.ColTime:    same(kindTime, "start_time"),
	}
	for _, c := range bothFacts() {
		m[store.Column(c.name)] = same(kindText, c.name)
	}
	for _, c := range sessionTexts() {
		m[store.Column(c.name)] = same(kindText, c.name)
	}
	for c, s := range sessionNumbers() {
		m[c] = s
	}
	return m
}

// sessionNumbers are what Sessions and EventSessions aggregate.
func sessionNumbers() map[store.Column]source {
	m := map[store.Column]source{
		store.ColEngaged: {kind: kindBool, young: "s.engaged", final: "f.engaged",
			needSession: []string{"engaged"}},
		store.ColDurationMicros: {kind: kindNumber, young: "s.end_time - s.start_time",
			final: "f.end_time - f.start_time", needSession: []string{"start_time", "end_time"}},
	}
	for _, c := range []store.Column{store.ColSessionEvents, store.ColSessionViews,
		store.ColSessionKeyEvent, store.ColSessionRevenue} {
		m[c] = source{kind: kindNumber, young: "s." + string(c), final: "f." + string(c),
			needSession: []string{string(c)}}
	}
	return m
}

func unsupported(c store.Column, use string) error {
	return fmt.Errorf("%w: %s as %s", store.ErrUnsupported, c, use)
}
