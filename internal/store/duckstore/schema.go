// Schema: the columns of each table, in the order in which they are written.
// docs/format/segments.md describes them; formatVersion changes with them.
package duckstore

import (
	"fmt"
	"strings"

	"tidemark/internal/store"
)

// formatVersion is in the metadata of every segment file.
//
// Version 2 added marked_key and counted_before to events, tie to final events, and
// session_id and own_source to sessions: what a replay needs and reports do not. Version 3 took
// the sketches out of cells, into files of their own.
const formatVersion = 3

// column is one column of a table.
type column struct{ name, sqlType string }

const (
	sqlText = "VARCHAR"
	sqlID   = "UBIGINT"
	sqlInt  = "BIGINT"
	sqlBool = "BOOLEAN"
)

// schema is the layout of the tables. Built once by newSchema.
type schema map[store.Table][]column

func newSchema() schema {
	return schema{
		store.YoungEvents:   youngEventColumns(),
		store.YoungSessions: youngSessionColumns(),
		store.YoungAliases:  youngAliasColumns(),
		store.FinalEvents:   finalEventColumns(),
		store.FinalSessions: finalSessionColumns(),
		store.RollupCells:   cellColumns(),
		store.KeptCells:     cellColumns(),
	}
}

// ddl returns the body of CREATE TABLE.
func (s schema) ddl(t store.Table) string {
	parts := make([]string, 0, len(s[t]))
	for _, c := range s[t] {
		parts = append(parts, fmt.Sprintf("%s %s", c.name, c.sqlType))
	}
	return strings.Join(parts, ", ")
}

// list returns the column names, each with the prefix.
func (s schema) list(t store.Table, prefix string) string {
	parts := make([]string, 0, len(s[t]))
	for _, c := range s[t] {
		parts = append(parts, prefix+c.name)
	}
	return strings.Join(parts, ", ")
}

func texts(names ...store.Column) []column {
	out := make([]column, 0, len(names))
	for _, n := range names {
		out = append(out, column{string(n), sqlText})
	}
	return out
}

func join(groups ...[]column) []column {
	var out []column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func youngEventColumns() []column {
	return join(
		[]column{{"property", sqlID}, {"event_time", sqlInt}, {"row_id", sqlID}, {"sub", "UTINYINT"},
			{"part", sqlID}},
		eventFacts(),
		[]column{{"event_key", sqlText}},
	)
}

// eventFacts are the columns that young and final events share.
func eventFacts() []column {
	return join(
		[]column{{"client", sqlID}, {"user_id", sqlText}, {"verdict", sqlText},
			{"ingest_time", sqlInt}, {"idx", "UINTEGER"}},
		texts(store.ColName, store.ColHost, store.ColPath, store.ColQuery, store.ColTitle,
			store.ColReferrer),
		bothFacts(),
		texts(store.ColEventSource, store.ColEventMedium, store.ColEventCampaign),
		[]column{{"engagement_ms", sqlInt}, {"active", sqlBool}, {"page_view", sqlBool},
			{"key_event", sqlBool}, {"value_micros", sqlInt}, {"currency", sqlText},
			{"params", sqlText}, {"marked_key", sqlBool}, {"counted_before", sqlBool}},
	)
}

// bothFacts are on events and on sessions.
func bothFacts() []column {
	return texts(store.ColLanguage, store.ColScreen, store.ColCountry, store.ColRegion,
		store.ColCity, store.ColCategory, store.ColBrowser, store.ColOS, store.ColOSMajor)
}

// sessionTexts are what events know through their session.
func sessionTexts() []column {
	return texts(store.ColSource, store.ColMedium, store.ColCampaign, store.ColChannel,
		store.ColLandingHost, store.ColLandingPath, store.ColLandingQuery, store.ColExitPath,
		store.ColNewVsReturning, store.ColFirstUserSource, store.ColFirstUserMedium,
		store.ColFirstUserCampaign, store.ColFirstUserChannel)
}

func youngSessionColumns() []column {
	return join(
		[]column{{"property", sqlID}, {"start_time", sqlInt}, {"session", sqlID},
			{"revision", sqlID}, {"tombstone", sqlBool}},
		sessionFacts(),
		[]column{{"closes", sqlInt}},
	)
}

// sessionFacts are the columns that young and final sessions share.
func sessionFacts() []column {
	return join(
		[]column{{"counted", sqlBool}, {"client", sqlID}, {"client_id", sqlText},
			{"user_id", sqlText}, {"verdict", sqlText}, {"end_time", sqlInt}},
		texts("exit_host"), sessionTexts(), bothFacts(),
		[]column{{"first_event_row", sqlID}, {"has_first", sqlBool},
			{"session_events", sqlInt}, {"session_views", sqlInt}, {"session_key_events", sqlInt},
			{"session_engagement_ms", sqlInt}, {"session_revenue_micros", sqlInt},
			{"engaged", sqlBool}, {"session_id", sqlText}, {"own_source", sqlBool}},
	)
}

func youngAliasColumns() []column {
	return []column{{"property", sqlID}, {"part_time", sqlInt}, {"part", sqlID},
		{"session", sqlID}, {"revision", sqlID}}
}

// finalEventColumns: the part gives way to the session, and the session's
// texts are copied in (S28). Numbers of sessions are joined when asked for.
func finalEventColumns() []column {
	return join(
		[]column{{"property", sqlID}, {"event_time", sqlInt}, {"row_id", sqlID}, {"sub", "UTINYINT"},
			{"session", sqlID}, {"counted", sqlBool}, {"first_event", sqlBool},
			{"session_user_id", sqlText}},
		eventFacts(), sessionTexts(),
		// The event's place among those of its client with the same EventTime and
		// index: what is left of the event key (S4). tieUnknown before version 2.
		[]column{{"tie", "INTEGER"}},
	)
}

func finalSessionColumns() []column {
	return join(
		[]column{{"property", sqlID}, {"start_time", sqlInt}, {"session", sqlID}},
		sessionFacts(),
	)
}
