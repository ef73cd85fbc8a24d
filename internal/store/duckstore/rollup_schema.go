// Rollup cells: the columns of their table, and where their sketches lie.
package duckstore

import (
	"fmt"
	"strings"

	"tidemark/internal/store"
)

// cellColumns: the dimensions of a rollup are d0, d1 and so on, in the order of
// store.Rollup.Dimensions; unused ones are empty. start_time is local time.
func cellColumns() []column {
	dims := make([]column, 0, store.RollupColumns)
	for i := range store.RollupColumns {
		dims = append(dims, column{cellDim(i), sqlText})
	}
	return join(
		[]column{{"property", sqlID}, {"rollup", "UTINYINT"}},
		dims,
		[]column{{"start_time", sqlInt}, {"n", sqlInt}},
		cellNumbers(store.Events), cellNumbers(store.Sessions),
		[]column{{"users", sqlInt}, {"active_users", sqlInt}},
		placeColumns(),
	)
}

// placeColumns say what the sketches of a cell are, or where they lie (sketch_file.go).
func placeColumns() []column {
	return []column{{"active_bytes", "UINTEGER"}, {"passive_bytes", "UINTEGER"}, {"short_sketches", "BLOB"},
		{"sketch_at", "UBIGINT"}, {"sketch_sum", "UINTEGER"}}
}

// placeList is their names, as a list for SQL.
func placeList() string {
	names := make([]string, 0, len(placeColumns()))
	for _, c := range placeColumns() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// plainCellColumns are the columns of cells that every format version has, as a list for SQL.
func plainCellColumns() string {
	all := cellColumns()
	names := make([]string, 0, len(all))
	for _, c := range all[:len(all)-len(placeColumns())] {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// cellNumbers are the sums that cells of a relation hold beside n, the count.
func cellNumbers(r store.Relation) []column {
	if r == store.Sessions {
		return []column{{"engaged", sqlInt}, {"duration_us", sqlInt}}
	}
	return []column{{"page_view", sqlInt}, {"key_event", sqlInt}, {"first_event", sqlInt},
		{"engagement_ms", sqlInt}, {"value_micros", sqlInt}}
}

func cellDim(i int) string { return fmt.Sprintf("d%d", i) }

// cellColumn finds the column of a cell that holds c of the rollup, "" if none.
func cellColumn(r *store.Rollup, c store.Column) string {
	for i, d := range r.Dimensions {
		if d == c {
			return cellDim(i)
		}
	}
	return ""
}
