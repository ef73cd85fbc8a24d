// Exported rows are the final rows, readable by others, and come back as they were.
package duckstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// archivedDir holds files that each format version of exports wrote once, with what is in them.
// After a change of store.ExportFormat run the test once with -rewrite-golden.
const archivedDir = "testdata/archive"

func TestExportsOfEveryFormatVersionAreImported(t *testing.T) {
	golden, m := openGolden(t, filepath.Join(goldenDir, fmt.Sprintf("v%d", formatVersion)))
	current := filepath.Join(archivedDir, fmt.Sprintf("v%d", store.ExportFormat))
	if *rewriteGolden {
		writeArchived(t, golden, current)
	}
	if _, err := os.Stat(current); err != nil {
		t.Fatalf("export format %d has no golden files: %v", store.ExportFormat, err)
	}
	want := map[store.Table]string{}
	for _, table := range finalTables() {
		want[table] = segmentRows(t, golden, table, m.Segments, 1)
		if want[table] == "" {
			t.Fatalf("there are no golden %s", table)
		}
	}
	versions, err := filepath.Glob(filepath.Join(archivedDir, "v*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		t.Run(filepath.Base(version), func(t *testing.T) {
			s := openTest(t, t.TempDir(), store.Manifest{})
			for _, table := range finalTables() {
				segs := importFiles(t, s, table, filepath.Join(version, string(table)+".parquet"))
				inOrder := queryText(t, s, "SELECT x::VARCHAR FROM "+s.rowsOf(table, segs)+" x")
				if diff := cmp.Diff(want[table], inOrder); diff != "" {
					t.Errorf("%s (-final rows +imported):\n%s", table, diff)
				}
			}
		})
	}
}

// What another engine sees: names and types are part of the format.
func TestExportedColumnsAreAsDocumented(t *testing.T) {
	golden, _ := openGolden(t, filepath.Join(goldenDir, fmt.Sprintf("v%d", formatVersion)))
	for _, table := range finalTables() {
		q := fmt.Sprintf("SELECT name || ' ' || type || ' ' || coalesce(converted_type, '') || ' ' || coalesce(logical_type, '') "+
			"FROM parquet_schema(%s) WHERE type IS NOT NULL", quote(exportFile(t, golden, table, 0, dayMicros)))
		got := queryText(t, golden, q)
		name := filepath.Join(archivedDir, fmt.Sprintf("%s-v%d.txt", table, store.ExportFormat))
		if *rewriteGolden {
			if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("columns of %s (-documented +written):\n%s", table, diff)
		}
	}
}

// Each final row is in the export of exactly one of two days that meet, and rows of another
// property or of none of the days are in neither.
func TestExportsOfDaysThatMeetShareNoRowAndMissNone(t *testing.T) {
	golden, m := openGolden(t, filepath.Join(goldenDir, fmt.Sprintf("v%d", formatVersion)))
	e := mustExport(t, golden)
	for _, table := range finalTables() {
		whole := segmentRows(t, golden, table, m.Segments, 1)
		var all int64
		for cut := event.Time(0); cut <= dayMicros; cut += dayMicros / 96 {
			var parts int64
			for _, days := range [][2]event.Time{{0, cut}, {cut, dayMicros}} {
				n, err := e.Count(t.Context(), table, days[0], days[1])
				if err != nil {
					t.Fatal(err)
				}
				parts += n
			}
			if all = int64(strings.Count(whole, "\n")); parts != all {
				t.Fatalf("%s cut at %v: %d rows, not %d", table, cut, parts, all)
			}
		}
	}
	first, found, err := e.FirstRow(t.Context(), 0)
	if err != nil || !found {
		t.Fatal(err, found)
	}
	if n, err := e.Count(t.Context(), store.FinalEvents, first, first+1); err != nil || n == 0 {
		t.Errorf("at the first row's time %v are %d events, %v", first, n, err)
	}
	if _, found, err := e.FirstRow(t.Context(), dayMicros); err != nil || found {
		t.Errorf("a row was found behind the last: %v, %v", found, err)
	}
	if f, err := e.Write(t.Context(), store.FinalEvents, dayMicros, 2*dayMicros); f != nil || err != nil {
		t.Errorf("a file was made of no rows: %v, %v", f, err)
	}
}

func mustExport(t *testing.T, s *Store) store.Export {
	t.Helper()
	e, err := s.Export(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Release)
	return e
}

// exportFile returns the path of an exported file, where the engine may read it.
func exportFile(t *testing.T, s *Store, table store.Table, from, to event.Time) string {
	t.Helper()
	f, err := mustExport(t, s).Write(t.Context(), table, from, to)
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	defer f.Close()
	dir, err := s.ImportDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 2 {
		t.Fatalf("exports left files behind: %v, %v", left, err)
	}
	path := filepath.Join(dir, "copy-"+string(table)+".parquet")
	text, err := io.ReadAll(f)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func importFiles(t *testing.T, s *Store, table store.Table, from string) []store.Segment {
	t.Helper()
	dir, err := s.ImportDir()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(from))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	segs, err := s.Import(t.Context(), 1, table, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	return segs
}

func writeArchived(t *testing.T, s *Store, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, table := range finalTables() {
		text, err := os.ReadFile(exportFile(t, s, table, 0, dayMicros))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, string(table)+".parquet"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// segmentRows returns each row of a property in segments of a table as a line.
func segmentRows(t *testing.T, s *Store, table store.Table, segs []store.Segment, p event.PropertyID) string {
	t.Helper()
	var of []store.Segment
	for _, seg := range segs {
		if seg.Table == table {
			of = append(of, seg)
		}
	}
	return queryText(t, s, fmt.Sprintf("SELECT x::VARCHAR FROM %s x WHERE property = %s ORDER BY %s", s.rowsOf(table, of),
		propertyLiteral(p), sortOrder(table)))
}

func queryText(t *testing.T, s *Store, q string) string {
	t.Helper()
	var out strings.Builder
	err := s.writer.run(t.Context(), q, func(r *result) error {
		for i := range r.rows {
			fmt.Fprintln(&out, r.text(0, i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
