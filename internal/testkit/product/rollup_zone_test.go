// S19, T8: after changes of a property's zone, at whatever hour of the day finality stands
// then, prepared sums count each day as its rows do.
package product_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestSumsCountAsRowsDoAfterChangesOfZoneS19(t *testing.T) {
	r := &retained{t: t, of: crashProperty, options: product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 2,
		RowDays: map[event.PropertyID]int{}}}
	r.open()
	defer func() {
		if err := r.product.Close(); err != nil {
			t.Error(err)
		}
	}()
	// The first events are late in the day: in Tokyo it is tomorrow.
	const first = crashStart + 9*3_600_000_000
	r.load(spec.DefinitionRecord(r.of, first))
	n := 0
	until := func(events int) {
		t.Helper()
		var records []*event.Record
		for ; n < events; n++ {
			records = append(records, later(fmt.Sprint("c", n%3), n, first+int64(n)*3*3_600_000_000))
		}
		r.load(records...)
		r.settle()
		r.sumsAreRows(t)
	}
	until(70)
	for _, zone := range []string{"Asia/Tokyo", "America/Los_Angeles", "Asia/Kolkata"} {
		r.of.TimeZone = zone
		r.of.Version++
		r.load(spec.DefinitionRecord(r.of, event.Time(first+int64(n)*3*3_600_000_000)))
		r.settle()
		r.sumsAreRows(t)
		for range 4 {
			until(n + 3)
		}
	}
}

// sumsAreRows compares events by day from sums with those from rows.
func (r *retained) sumsAreRows(t *testing.T) {
	t.Helper()
	sums, rows := r.march(1, 31, "eventCount", "date"), r.march(1, 31, "eventCount", "date")
	rows.AllVerdicts = true
	if got, want := r.ask(sums), r.ask(rows); got != want {
		t.Errorf("in %s: got from sums\n%swant as of rows\n%s", r.of.TimeZone, got, want)
	}
	for _, q := range []*report.Query{sums, rows} {
		a, err := r.product.Answer(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if (len(a.Meta.Rollups) > 0) == q.AllVerdicts {
			t.Errorf("in %s: answered by %q, all verdicts %v", r.of.TimeZone, a.Meta.Rollups, q.AllVerdicts)
		}
	}
}
