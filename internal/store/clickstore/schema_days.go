// Schema of what upkeep makes: final days, their cells, and the documents that say which of
// them count. docs/format/clickhouse.md describes them; schemaVersion changes with them.
package clickstore

import (
	"fmt"

	"tidemark/internal/store"
)

// usersSketch is the mergeable sketch of distinct users. Its relative error is some 0.6 % in two
// of three cases, so that the bound of S29, 1.63 % in 95 of 100, holds with a margin.
const usersSketch = "uniqCombined64(15)"

// tablesOfDays are what version 2 added.
func tablesOfDays() []table {
	return []table{
		{name: erasuresTable, columns: join(erasureColumns(), batchColumns()),
			order: "property, batch_log, batch_partition, batch_seq", isDeduped: true},
		{name: finalEventsTable, columns: join(finalEventColumns(), runColumns()), partition: "day",
			order: "property, event_time, row_id, sub"},
		{name: finalSessionsTable, columns: join(finalSessionColumns(), runColumns()), partition: "day",
			order: "property, start_time, session"},
		{name: cellsTable, columns: join(cellColumns(), runColumns()), partition: "toYYYYMM(day)",
			order: "property, rollup, start_time"},
		{name: runsTable, columns: []column{{"run", typeID}, {"from_day", "Date32"}, {"to_day", "Date32"}},
			order: "run", spread: oneServer},
		{name: documentsTable, columns: documentColumns(), order: "term, keeper, n, kind, property", spread: oneServer},
	}
}

func erasureColumns() []column {
	return []column{{"property", typeID}, {"client_id", typeText}, {"before", typeID}, {"place", "UInt32"}}
}

// runColumns say of which run a row is: it counts where a document names the run. day is that of
// the row in UTC, of cells that of local time.
func runColumns() []column {
	return []column{{"day", "Date32"}, {"run", typeID + " CODEC(ZSTD(1))"}, {"batch_partition", "UInt16"}}
}

// finalEventColumns: the part gives way to the session, and the session's texts are copied
// in (S28). Numbers of sessions are joined when asked for. The order is that of Parquet files
// which are made of the table, and of duckstore.
func finalEventColumns() []column {
	return join(
		[]column{{"property", typeID}, {"event_time", typeTime}, {"row_id", typeID}, {"sub", typeSmall},
			{"session", typeID}, {"counted", typeBool}, {"first_event", typeBool}, {"session_user_id", typeText}},
		eventFacts(), sessionTexts(),
		// The event's place among those of its client with the same EventTime and index: what is
		// left of the event key (S4).
		[]column{{"tie", "Int32"}},
	)
}

// eventFacts are the columns that young and final events share.
func eventFacts() []column {
	skip := map[string]bool{"property": true, "event_time": true, "row_id": true, "sub": true, "part": true, "event_key": true}
	var out []column
	for _, c := range eventColumns() {
		if !skip[c.name] {
			out = append(out, c)
		}
	}
	return out
}

// finalSessionColumns are those of a session's last revision.
func finalSessionColumns() []column {
	return join(
		[]column{{"property", typeID}, {"start_time", typeTime}, {"session", typeID}, {"counted", typeBool},
			{"client", typeID}, {"client_id", typeText}, {"user_id", typeText}, {"verdict", typeWord},
			{"end_time", typeTime}, {"exit_host", typeWord}},
		sessionTexts(), bothFacts(),
		[]column{{"first_event_row", typeID}, {"has_first", typeBool},
			{"session_events", typeInt}, {"session_views", typeInt}, {"session_key_events", typeInt},
			{"session_engagement_ms", typeInt}, {"session_revenue_micros", typeInt},
			{"engaged", typeBool}, {"session_id", typeText}, {"own_source", typeBool}},
	)
}

// cellColumns: the dimensions of a rollup are d0, d1 and so on, in the order of
// store.Rollup.Dimensions; unused ones are empty. start_time is local time.
func cellColumns() []column {
	out := []column{{"property", typeID}, {"rollup", typeSmall}}
	for i := range store.RollupColumns {
		out = append(out, column{cellDim(i), typeText})
	}
	return join(out, []column{{"start_time", typeTime}, {"n", typeInt}},
		cellNumbers(store.Events), cellNumbers(store.Sessions),
		[]column{{"users", typeInt}, {"active_users", typeInt},
			{"users_sketch", "AggregateFunction(" + usersSketch + ", UInt64)"},
			{"active_sketch", "AggregateFunction(" + usersSketch + ", UInt64)"}})
}

// cellNumbers are the sums that cells of a relation hold beside n, the count.
func cellNumbers(r store.Relation) []column {
	if r == store.Sessions {
		return []column{{"engaged", typeInt}, {"duration_us", typeInt}}
	}
	return []column{{"page_view", typeInt}, {"key_event", typeInt}, {"first_event", typeInt},
		{"engagement_ms", typeInt}, {"value_micros", typeInt}}
}

func cellDim(i int) string { return fmt.Sprintf("d%d", i) }

// documentColumns: a row is what one commit says of one property, or of the store (document.go).
func documentColumns() []column {
	return []column{{"term", typeID}, {"keeper", typeID}, {"n", typeID}, {"kind", typeSmall}, {"property", typeID},
		{"body", typeText}}
}
