// Files of ClickHouse and of DuckDB hold the same rows under the same names, and each reads the other's.
package clickstore

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/testkit/parquetfile"
)

const aDay = event.Time(86_400_000_000)

func TestExportedRowsAreThoseOfTheOtherAdapter(t *testing.T) {
	server := startEngine(t)
	s := open(t, configFor(server.NewDatabase(t)), &line{server: server})
	defer s.Close()
	const property = 1
	want := map[store.Table]*parquetfile.File{}
	files := goldenFiles(t)
	for table, text := range files {
		var err error
		if want[table], err = parquetfile.Read(text); err != nil {
			t.Fatal(err)
		}
	}
	k, err := s.Keep(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	// Rows of another run do not count, whatever they are.
	refused := errors.New("refused")
	if err := restorer(k).Restore(t.Context(), restoration(files, 3), func([]store.RowsFrom) error { return refused }); !errors.Is(err, refused) {
		t.Fatalf("got %v, want %v", err, refused)
	}
	if err := restorer(k).Restore(t.Context(), restoration(files, 3), anyLog); err != nil {
		t.Fatal(err)
	}
	e, err := s.Export(t.Context(), property)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	if state, ok := e.State(); !ok || state.Until != aDay || state.Version != 3 {
		t.Errorf("state %+v, %v", state, ok)
	}
	for table, want := range want {
		f, err := e.Write(t.Context(), table, 0, aDay)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		got, err := parquetfile.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := e.Count(t.Context(), table, 0, aDay); err != nil || int(n) != want.Rows || got.Rows != want.Rows {
			t.Errorf("%s: %d rows counted, %d written, want %d, %v", table, n, got.Rows, want.Rows, err)
		}
		for i, c := range want.Columns {
			if i >= len(got.Columns) {
				t.Fatalf("%s has %d columns, want %d", table, len(got.Columns), len(want.Columns))
			}
			if diff := cmp.Diff(c, got.Columns[i]); diff != "" {
				t.Errorf("%s (- of duckstore, + of clickstore):\n%s", table, diff)
			}
		}
	}
	first, found, err := e.FirstRow(t.Context(), 0)
	if err != nil || !found {
		t.Fatal(err, found)
	}
	if n, err := e.Count(t.Context(), store.FinalEvents, first, first+1); err != nil || n == 0 {
		t.Errorf("at the first row %v are %d events, %v", first, n, err)
	}
	if _, found, err := e.FirstRow(t.Context(), aDay); found || err != nil {
		t.Errorf("a row was found behind the last: %v, %v", found, err)
	}
}
