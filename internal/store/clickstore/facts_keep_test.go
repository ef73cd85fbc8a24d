// What upkeep relies on in ClickHouse (docs/facts/clickhouse.md).
package clickstore

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/sketch"
)

// TestFactPartsOutliveTheirRemoval: a query that has begun reads what it began with.
func TestFactPartsOutliveTheirRemoval(t *testing.T) {
	f := newFacts(t, 0)
	for p := range 3 {
		f.server.MustQuery(t, fmt.Sprintf("INSERT INTO t SELECT %d, number FROM numbers(100000)", p), f.db)
	}
	for what, change := range map[string]string{"DROP PARTITION": "ALTER TABLE t DROP PARTITION 1",
		"DELETE": "ALTER TABLE t DELETE WHERE p = 2 AND a < 50000 SETTINGS mutations_sync = 2"} {
		want := f.server.MustQuery(t, "SELECT count() FROM t", f.db)
		var wg sync.WaitGroup
		wg.Go(func() {
			// Each block takes its time, and the whole some two seconds.
			got, err := f.server.Query("SELECT countIf(a + sleepEachRow(0.000005) >= 0) FROM t SETTINGS max_threads = 1, max_block_size = 20000, "+
				"function_sleep_max_microseconds_per_block = 0", f.db)
			if err != nil || got != want {
				t.Errorf("a query that ran beside %s: got %s, %v, want %s", what, got, err, want)
			}
		})
		running := "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND read_rows > 0 AND query NOT LIKE '%system.processes%'"
		for deadline := time.Now().Add(time.Minute); f.server.MustQuery(t, running, nil) == "0"; {
			if time.Now().After(deadline) {
				t.Fatalf("the query beside %s was never seen to run", what)
			}
		}
		f.server.MustQuery(t, change, f.db)
		wg.Wait()
		if got := f.server.MustQuery(t, "SELECT count() FROM t", f.db); got == want {
			t.Errorf("%s removed nothing", what)
		}
	}
	f.server.MustQuery(t, "ALTER TABLE t DROP PARTITION 1", f.db) // once more: no error
	if got := f.server.MustQuery(t, "SELECT countIf(p = 1), countIf(p = 2 AND a < 50000), count() FROM t", f.db); got != "0\t0\t150000" {
		t.Errorf("rows that are left: %s", got)
	}
}

// TestFactSketchesMergeAndAreNear: states of sketches go through columns, INSERT SELECT and merges, and the
// bound of S29 holds.
func TestFactSketchesMergeAndAreNear(t *testing.T) {
	f := newFacts(t, 0)
	state := "AggregateFunction(" + usersSketch + ", UInt64)"
	f.server.MustQuery(t, "CREATE TABLE s (k UInt8, u "+state+") ENGINE = MergeTree ORDER BY k", f.db)
	f.server.MustQuery(t, fmt.Sprintf("INSERT INTO s SELECT 1, %s(toUInt64(number)) FROM numbers(1000) UNION ALL SELECT 2, %s(toUInt64(number), number %% 2 = 0) FROM numbers(2000)",
		usersSketchName("State"), withIf(usersSketchName("State"))), f.db)
	f.server.MustQuery(t, "INSERT INTO s SELECT k, u FROM s WHERE k = 1", f.db)
	// 0..999 and the even ones of 0..1999 are 1,500. So few need not be told exactly.
	merge := fmt.Sprintf("SELECT %s(x) FROM (SELECT %s(u) AS x FROM s GROUP BY k UNION ALL SELECT %s(toUInt64(5)) AS x)",
		usersSketchName("Merge"), usersSketchName("MergeState"), usersSketchName("State"))
	if got, err := strconv.ParseFloat(f.server.MustQuery(t, merge, f.db), 64); err != nil || math.Abs(got/1500-1) > sketch.UsersError {
		t.Errorf("merged states: got %v, %v, want some 1500", got, err)
	}
	for _, n := range []int{5_000, 40_000, 300_000} {
		const trials = 60
		got := f.server.MustQuery(t, fmt.Sprintf("SELECT arrayStringConcat(groupArray(toString(u)), ' ') FROM (SELECT %s(cityHash64(number)) AS u FROM numbers(%d) GROUP BY intDiv(number, %d))",
			usersSketch, n*trials, n), f.db)
		far := 0
		for field := range strings.FieldsSeq(got) {
			u, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(u/float64(n)-1) > sketch.UsersError {
				far++
			}
		}
		if far > trials/20 {
			t.Errorf("%d users: %d of %d estimates are farther than %.2f %%", n, far, trials, 100*sketch.UsersError)
		}
	}
}
