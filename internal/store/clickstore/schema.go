// Schema: the columns of each table, in the order in which rows are sent.
// docs/format/clickhouse.md describes them; schemaVersion changes with them.
package clickstore

import (
	"strings"

	"tidemark/internal/store"
)

// Tables, as queries and inserts name them.
const (
	eventsTable   = "events"
	sessionsTable = "sessions"
	aliasesTable  = "aliases"
	outcomesTable = "outcomes"
	progressTable = "progress"
	versionsTable = "schema_versions"

	erasuresTable      = "erasures"
	finalEventsTable   = "final_events"
	finalSessionsTable = "final_sessions"
	cellsTable         = "cells"
	runsTable          = "runs"
	documentsTable     = "documents"
)

// column is one column of a table, with its type and codec.
type column struct{ name, sqlType string }

// Types. Texts with few values each are dictionaries within a part.
const (
	typeID    = "UInt64"
	typeInt   = "Int64"
	typeTime  = "Int64 CODEC(Delta, ZSTD(1))" // microseconds since 1970
	typeText  = "String CODEC(ZSTD(1))"
	typeWord  = "LowCardinality(String)"
	typeBool  = "Bool"
	typeSmall = "UInt8"
)

// table is the layout of a table.
type table struct {
	name      string
	columns   []column
	order     string // sorting key
	partition string // partition key, "" for none
	replacing string // version column of a ReplacingMergeTree, "" for a plain one
	spread    string // by what rows are spread over a cluster; "": by their log partition
	isDeduped bool
}

// oneServer spreads rows over a cluster so that all lie together, and a block of them is there
// as a whole or not at all.
const oneServer = "0"

// tables returns all that holds rows.
func tables() []table {
	var out []table
	for v := 1; v <= schemaVersion; v++ {
		out = append(out, tablesOf(v)...)
	}
	return out
}

// tablesOf returns what a version of the schema added.
func tablesOf(version int) []table {
	switch version {
	case 1:
		return tablesOfRows()
	case 2:
		return tablesOfDays()
	}
	return nil
}

// tablesOfRows are where batches go.
func tablesOfRows() []table {
	return []table{
		{name: eventsTable, columns: join(eventColumns(), batchColumns()), partition: "day",
			order: "property, event_time, row_id, sub", isDeduped: true},
		{name: sessionsTable, columns: join(sessionColumns(), batchColumns()), partition: "day",
			order: "property, session, revision", isDeduped: true},
		{name: aliasesTable, columns: join(aliasColumns(), batchColumns()), partition: "day",
			order: "property, part, revision", isDeduped: true},
		{name: outcomesTable, columns: join(outcomeColumns(), batchColumns()),
			order: "property, batch_log, batch_partition, batch_seq", isDeduped: true},
		{name: progressTable, columns: progressColumns(), order: "batch_log, batch_partition", replacing: "seq"},
	}
}

// columnsOf returns the names of a table's columns.
func columnsOf(name string) string {
	for _, t := range tables() {
		if t.name == name {
			names := make([]string, len(t.columns))
			for i, c := range t.columns {
				names[i] = c.name
			}
			return strings.Join(names, ", ")
		}
	}
	panic("BUG: no table " + name)
}

func join(groups ...[]column) []column {
	var out []column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func columns(sqlType string, names ...store.Column) []column {
	out := make([]column, 0, len(names))
	for _, n := range names {
		out = append(out, column{string(n), sqlType})
	}
	return out
}

// batchColumns say of which batch a row is. day is that of the row in UTC, and cuts tables into
// partitions; an insert is of one day, table and block.
func batchColumns() []column {
	return []column{{"day", "Date32"}, {"batch_log", typeWord}, {"batch_partition", "UInt16"},
		{"batch_seq", typeID}, {"batch_block", "UInt16"}}
}

func eventColumns() []column {
	return join(
		[]column{{"property", typeID}, {"event_time", typeTime}, {"row_id", typeID}, {"sub", typeSmall},
			{"part", typeID}, {"client", typeID}, {"user_id", typeText}, {"verdict", typeWord},
			{"ingest_time", typeTime}, {"idx", "UInt32"}, {"event_key", typeText}},
		columns(typeWord, store.ColName, store.ColHost),
		columns(typeText, store.ColPath, store.ColQuery, store.ColTitle, store.ColReferrer),
		bothFacts(),
		columns(typeWord, store.ColEventSource, store.ColEventMedium), columns(typeText, store.ColEventCampaign),
		[]column{{"engagement_ms", typeInt}, {"active", typeBool}, {"page_view", typeBool},
			{"key_event", typeBool}, {"value_micros", typeInt}, {"currency", typeWord},
			{"params", typeText}, {"marked_key", typeBool}, {"counted_before", typeBool}},
	)
}

// bothFacts are on events and on sessions.
func bothFacts() []column {
	return columns(typeWord, store.ColLanguage, store.ColScreen, store.ColCountry, store.ColRegion,
		store.ColCity, store.ColCategory, store.ColBrowser, store.ColOS, store.ColOSMajor)
}

// sessionTexts are what events know through their session.
func sessionTexts() []column {
	return join(
		columns(typeWord, store.ColSource, store.ColMedium),
		columns(typeText, store.ColCampaign),
		columns(typeWord, store.ColChannel, store.ColLandingHost),
		columns(typeText, store.ColLandingPath, store.ColLandingQuery, store.ColExitPath),
		columns(typeWord, store.ColNewVsReturning, store.ColFirstUserSource, store.ColFirstUserMedium),
		columns(typeText, store.ColFirstUserCampaign),
		columns(typeWord, store.ColFirstUserChannel))
}

func sessionColumns() []column {
	return join(
		[]column{{"property", typeID}, {"session", typeID}, {"revision", typeID}, {"tombstone", typeBool},
			{"counted", typeBool}, {"client", typeID}, {"client_id", typeText}, {"user_id", typeText},
			{"verdict", typeWord}, {"start_time", typeTime}, {"end_time", typeTime}, {"closes", typeTime},
			{"exit_host", typeWord}},
		sessionTexts(), bothFacts(),
		[]column{{"first_event_row", typeID}, {"has_first", typeBool}, {"session_id", typeText},
			{"own_source", typeBool}, {"session_events", typeInt}, {"session_views", typeInt},
			{"session_key_events", typeInt}, {"session_engagement_ms", typeInt},
			{"session_revenue_micros", typeInt}, {"engaged", typeBool}},
	)
}

func aliasColumns() []column {
	return []column{{"property", typeID}, {"part", typeID}, {"session", typeID}, {"revision", typeID},
		{"part_time", typeTime}}
}

// outcomeNames are the counters of ledger.Outcomes, in the order of counters.
func outcomeNames() []string {
	return []string{"stored", "duplicate", "too_late", "expired", "erased", "synthetic", "unmerged",
		"overflow", "clamped", "late", "contradicted"}
}

func outcomeColumns() []column {
	out := []column{{"property", typeID}}
	for _, n := range outcomeNames() {
		out = append(out, column{n, typeInt})
	}
	return append(out, column{"lateness", "Array(Int64)"})
}

func progressColumns() []column {
	return []column{{"batch_log", typeWord}, {"batch_partition", "UInt16"}, {"seq", typeID},
		{"next", typeID}, {"clock", typeInt}, {"claim_ns", typeInt}}
}
