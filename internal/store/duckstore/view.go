// View: the rows that a snapshot sees, as FROM clauses.
package duckstore

import (
	"fmt"
	"path/filepath"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// view is what one snapshot reads. It never changes (T2).
type view struct {
	dir      string
	manifest *store.Manifest
	heads    []headView
	only     string // a condition on clients, beginning with AND, or ""
}

// headView is a head as it was when the snapshot was taken.
type headView struct {
	head   *head
	rows   headRows
	bounds bounds // of its events
}

func (h headView) count(t store.Table) int64 {
	switch t {
	case store.YoungSessions:
		return h.rows.sessions
	case store.YoungAliases:
		return h.rows.aliases
	}
	return h.rows.events
}

// young renders the rows of a young table that satisfy where. keep, if given,
// tells from bounds of times whether a source can hold any.
func (v *view) young(t store.Table, p event.PropertyID, columns, where string,
	keep func(bounds) bool) string {
	var parts []string
	for _, h := range v.heads {
		n := h.count(t)
		if n == 0 || (t == store.YoungEvents && !mayHold(h.bounds, p, keep)) {
			continue
		}
		parts = append(parts, fmt.Sprintf("SELECT %s FROM %s WHERE %s", columns, h.head.source(t, n, p), where))
	}
	if files := v.files(t, p, keep); len(files) > 0 {
		parts = append(parts, fmt.Sprintf("SELECT %s FROM %s WHERE %s", columns, readParquet(files), where))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("SELECT %s FROM %s", columns, emptyTable(t))
	}
	return strings.Join(parts, " UNION ALL ")
}

// files returns the segments that can hold rows of p.
func (v *view) files(t store.Table, p event.PropertyID, keep func(bounds) bool) []string {
	return v.filesOf(t, func(s *store.Segment) bool { return mayHold(boundsOf(s), p, keep) })
}

// filesOf returns the segments of a table that some accepts.
func (v *view) filesOf(t store.Table, some func(*store.Segment) bool) []string {
	var out []string
	for i := range v.manifest.Segments {
		s := &v.manifest.Segments[i]
		if s.Table == t && some(s) {
			out = append(out, filepath.Join(v.dir, s.File))
		}
	}
	return out
}

func boundsOf(s *store.Segment) bounds {
	return bounds{set: true, minTime: s.MinTime, maxTime: s.MaxTime,
		minProperty: s.MinProperty, maxProperty: s.MaxProperty, needed: s.LastNeeded}
}

func mayHold(b bounds, p event.PropertyID, keep func(bounds) bool) bool {
	return p >= b.minProperty && p <= b.maxProperty && (keep == nil || keep(b))
}

func readParquet(files []string) string {
	return "read_parquet(" + quoteList(files) + ")"
}

// emptyTable stands where a relation has no source.
func emptyTable(t store.Table) string { return "empty_" + string(t) }
