// Older formats: segments of format version 1 lack columns that a replay needs.
// Reports do not name them; whatever rewrites rows fills them in here. Cells of versions before 3
// hold their sketches themselves (cells_source.go).
package duckstore

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/store"
)

// tieUnknown marks final rows made of rows that did not hold what a replay needs.
const tieUnknown = -1

// addedColumns are the columns of version 2 and what stands for them in rows of
// version 1.
func addedColumns() map[string]string {
	return map[string]string{"marked_key": "false", "counted_before": "false", "session_id": "''",
		"own_source": "false", "tie": fmt.Sprint(tieUnknown)}
}

// isOld tells whether these columns are missing.
func isOld(seg store.Segment) bool { return seg.Format < 2 }

// holdsSketches tells whether cells hold their sketches themselves.
func holdsSketches(seg store.Segment) bool { return seg.Format < 3 }

// rowsOf renders segments of one table as a source of all its columns.
func (s *Store) rowsOf(t store.Table, segs []store.Segment) string {
	if !slices.ContainsFunc(segs, isOld) {
		return readParquet(s.paths(segs))
	}
	added := addedColumns()
	columns := make([]string, 0, len(s.schema[t]))
	for _, c := range s.schema[t] {
		if value, ok := added[c.name]; ok {
			columns = append(columns, fmt.Sprintf("coalesce(%[1]s, %[2]s) AS %[1]s", c.name, value))
		} else {
			columns = append(columns, c.name)
		}
	}
	// The empty table brings the columns that no file may have.
	return fmt.Sprintf("(SELECT %s FROM (SELECT * FROM %s UNION ALL BY NAME SELECT * FROM read_parquet(%s, "+
		"union_by_name = true)))", strings.Join(columns, ", "), emptyTable(t), quoteList(s.paths(segs)))
}

// ties renders each event's place among those of its client with equal EventTime
// and index, and the join that finds it. Ties are rare: they are looked for by hash, and
// only their keys are ordered.
func (s *Store) ties(young []store.Segment) (column, join string) {
	for _, seg := range young {
		if seg.Table == store.YoungEvents && isOld(seg) {
			return fmt.Sprintf("%d::INTEGER", tieUnknown), ""
		}
	}
	return "coalesce(t.tie, 0)::INTEGER", " LEFT JOIN (SELECT row_id, row_number() OVER (PARTITION BY property, client, " +
		"event_time, idx ORDER BY event_key, row_id) - 1 AS tie FROM ye WHERE sub = 0 AND " +
		"hash(property, client, event_time, idx) IN (SELECT h FROM (SELECT hash(property, client, event_time, idx) AS h " +
		"FROM ye WHERE sub = 0) GROUP BY h HAVING count(*) > 1)) t ON t.row_id = e.row_id"
}
