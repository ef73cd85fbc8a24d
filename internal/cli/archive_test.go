// Where archived days are put back: into a data directory, or into a cluster's store.
package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRestoreGoesToTheClusterUnlessADataDirectoryIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(file, []byte("clickhouse:\n  url: http://127.0.0.1:8123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ordered RestoreOrder
	shared := Rebuilt{RestoredDays: 3, Term: 7, Partitions: 2, Records: 9, LogFrom: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Missing: []MissingDays{{Property: "5", From: "2026-03-01", To: "2026-03-02"}}}
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
	wantText(t, restore("--property", "4", "--from", "2026-03-01"), "3 days were restored into ClickHouse, in term 7 of the store, which was taken over for it.\n"+
		"2 partitions begin again where the topic does, at 2026-03-02T00:00:00Z: start the processors. They fold 9 records anew, and reports follow.\n"+
		"Property 5: the days from 2026-03-01 to 2026-03-02 lack events. They came before the topic begins, and the archive does not have these days. "+
		"Reports will not say so.\n")
	if want := (RestoreOrder{Property: "4", From: "2026-03-01"}); ordered != want {
		t.Errorf("ordered %+v, want %+v", ordered, want)
	}
	shared = Rebuilt{Present: 2}
	wantText(t, restore(), "The store has the archived days of 2 properties already.\n")
	shared = Rebuilt{}
	rebuilt := tidemarkWith(t, programs, "replay", "--rebuild", "--config", file).ok(t).out
	wantText(t, rebuilt, "Nothing was restored: nothing is archived, and nothing was ever folded.\n")
	if want := (RestoreOrder{Anyway: true}); ordered != want {
		t.Errorf("replay --rebuild ordered %+v, want %+v", ordered, want)
	}
	wantText(t, restore("--data-dir", t.TempDir()), "2 days were restored from the archive, and 5 records of the log were folded behind them.\n")
}
