// Where archived days are put back: into a data directory, or into a cluster's store.
package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestRestoreGoesToTheClusterUnlessADataDirectoryIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(file, []byte("clickhouse:\n  url: http://127.0.0.1:8123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ordered RestoreOrder
	shared := Rebuilt{RestoredDays: 3, Term: 7}
	programs := Programs{
		Restore: func(context.Context, Serving, RestoreOrder, func(string, float64)) (Rebuilt, error) {
			return Rebuilt{RestoredDays: 2, Records: 5}, nil
		},
		RestoreShared: func(_ context.Context, _ Serving, o RestoreOrder, _ func(string, float64)) (Rebuilt, error) {
			ordered = o
			return shared, nil
		},
	}
	restore := func(args ...string) string {
		t.Helper()
		return tidemarkWith(t, programs, append([]string{"archive", "restore", "--config", file}, args...)...).ok(t).out
	}
	wantText(t, restore("--property", "4", "--from", "2026-03-01"), "3 days were restored into ClickHouse, in term 7 of the store, which was taken over "+
		"for it. The processor that works on partition 0 next takes it over again: start the processors.\n")
	if want := (RestoreOrder{Property: "4", From: "2026-03-01"}); ordered != want {
		t.Errorf("ordered %+v, want %+v", ordered, want)
	}
	shared = Rebuilt{Present: 2}
	wantText(t, restore(), "The store has the archived days of 2 properties already.\nNothing was restored.\n")
	wantText(t, restore("--data-dir", t.TempDir()), "2 days were restored from the archive, and 5 records of the log were folded behind them.\n")
}
