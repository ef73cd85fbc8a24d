// Columns: where each column of a plan comes from, and as what it reads.
package clickstore

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

// source says how a column is made: over e (events), a (the alias of its part) and s (the
// session). Whatever an expression needs of s is in needs. Of final events it is final, if that
// is not the same.
type source struct {
	kind  kind
	expr  string
	needs []string
	final string
}

// sessionOf is the session of an event's part (S24).
const sessionOf = "if(a.known, a.target, e.part)"

func ofEvent(k kind, c store.Column) source { return source{kind: k, expr: "e." + string(c)} }

func throughSession(c store.Column) source {
	return source{kind: kindText, expr: fmt.Sprintf("if(s.known, s.%s, %s)", c, quote(store.NotSet)), needs: []string{string(c)},
		final: "e." + string(c)}
}

// eventSources are the columns of Events and EventSessions.
func eventSources() map[store.Column]source {
	m := map[store.Column]source{
		store.ColParam: {kind: kindParam, expr: "e.params"},
		store.ColTime:  {kind: kindTime, expr: "e.event_time"},
		store.ColFirstEvent: {kind: kindBool, expr: "(s.known AND s.has_first AND s.first_event_row = e.row_id AND e.sub = 0)",
			needs: []string{"has_first", "first_event_row"}, final: "e.first_event"},
	}
	for _, c := range []store.Column{store.ColUserID, store.ColVerdict, store.ColName, store.ColHost, store.ColPath, store.ColQuery,
		store.ColTitle, store.ColReferrer, store.ColEventSource, store.ColEventMedium, store.ColEventCampaign, store.ColCurrency} {
		m[c] = ofEvent(kindText, c)
	}
	for _, c := range bothFacts() {
		m[store.Column(c.name)] = ofEvent(kindText, store.Column(c.name))
	}
	for _, c := range sessionTexts() {
		m[store.Column(c.name)] = throughSession(store.Column(c.name))
	}
	for _, c := range []store.Column{store.ColActive, store.ColPageView, store.ColKeyEvent} {
		m[c] = ofEvent(kindBool, c)
	}
	for _, c := range []store.Column{store.ColEngagementMS, store.ColValueMicros} {
		m[c] = ofEvent(kindNumber, c)
	}
	return m
}

// sessionSources are the columns of Sessions.
func sessionSources() map[store.Column]source {
	m := map[store.Column]source{
		store.ColUserID:  {kind: kindText, expr: "s.user_id"},
		store.ColVerdict: {kind: kindText, expr: "s.verdict"},
		store.ColTime:    {kind: kindTime, expr: "s.start_time"},
	}
	for _, c := range join(bothFacts(), sessionTexts()) {
		m[store.Column(c.name)] = source{kind: kindText, expr: "s." + c.name}
	}
	for c, s := range sessionNumbers() {
		m[c] = s
	}
	return m
}

// sessionNumbers are what Sessions and EventSessions aggregate.
func sessionNumbers() map[store.Column]source {
	m := map[store.Column]source{
		store.ColEngaged:        {kind: kindBool, expr: "s.engaged", needs: []string{"engaged"}},
		store.ColDurationMicros: {kind: kindNumber, expr: "(s.end_time - s.start_time)", needs: []string{"start_time", "end_time"}},
	}
	for _, c := range []store.Column{store.ColSessionEvents, store.ColSessionViews, store.ColSessionKeyEvent, store.ColSessionRevenue} {
		m[c] = source{kind: kindNumber, expr: "s." + string(c), needs: []string{string(c)}}
	}
	return m
}

func unsupported(c store.Column, use string) error {
	return fmt.Errorf("%w: %s as %s", store.ErrUnsupported, c, use)
}
