// S30, D5, D6: whatever was counted, after rows went an answer is the oracle's, or says
// that rows are gone; it is never another number.
package product_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestAnswersWithoutRowsEqualTheOracleOrAreRefusedS30(t *testing.T) {
	checks(t, 3, 1)
	checkRetention(t, func(*product.Options) {}) // as few as these may be all of one kind
}

func TestAnswersWithoutRowsInMemoryEqualTheOracleOrAreRefusedS30(t *testing.T) {
	checks(t, 60, 20)
	if answered, refused := checkRetention(t, inMemory); answered == 0 || refused == 0 {
		t.Errorf("%d questions were answered and %d refused: the test proves too little", answered, refused)
	}
}

// checkRetention counts the questions of properties that lost rows.
func checkRetention(t *testing.T, adjust func(*product.Options)) (answered, refused int) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(), Partitions: 3, RowDays: map[event.PropertyID]int{}}}
		adjust(&run.options)
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		more := laterEvents(traffic)
		run.do("load", run.product.Load(run.ctx(), append(traffic.Records(), more...)))
		run.disturb()
		for _, p := range traffic.Properties {
			run.options.RowDays[p.ID] = rapid.IntRange(property.MinRowDays, 25).Draw(rt, "row days")
		}
		passed := tick(traffic.End().Add(time.Duration(rapid.IntRange(18, 30).Draw(rt, "days later")) * 24 * time.Hour))
		more = append(more, passed)
		run.do("load", run.product.Load(run.ctx(), more[len(more)-1:]))
		run.do("settle", run.product.Settle(run.ctx()))
		run.disturb()

		want := oracle.New()
		want.Fold(append(traffic.Records(), more...))
		for _, q := range spec.StandardQueries(traffic) {
			expected, err := want.Answer(q)
			run.do("ask the oracle", err)
			got, err := run.product.Answer(run.ctx(), q)
			var gone *report.GoneError
			if errors.As(err, &gone) {
				refused++
				if from, dropped := run.rowsFrom(q.Property.ID); !dropped || gone.RowsFrom != from {
					rt.Fatalf("%v by %v: refused with %v, rows begin on %v (%v)", q.Metrics, q.Dimensions, err, from, dropped)
				}
				continue
			}
			run.do("ask the product", err)
			if diff := spec.Diff(expected, got); diff != "" {
				rt.Fatalf("%v by %v: (- oracle, + product)\n%s", q.Metrics, q.Dimensions, diff)
			}
			if _, dropped := run.rowsFrom(q.Property.ID); dropped {
				answered++
			}
		}
		for _, p := range traffic.Properties {
			l, err := run.product.Ledger(run.ctx(), p.ID)
			run.do("ask for the ledger", err)
			if expected := want.Ledger(p.ID); !l.Balanced() || l.Stored != expected.Stored || l.Pending != 0 {
				rt.Fatalf("ledger is %+v, stored by the oracle %d", l, expected.Stored)
			}
		}
	})
	t.Logf("of properties that lost rows %d questions were answered and %d refused", answered, refused)
	return answered, refused
}

// rowsFrom returns the first day with rows of a property whose zone never changed.
func (r *run) rowsFrom(id event.PropertyID) (report.Day, bool) {
	m := r.product.Processor.Manifest()
	at, gone := m.RowsFrom(id)
	if !gone {
		return report.Day{}, false
	}
	zone, err := time.LoadLocation(m.Kept[id][0].Zone)
	r.do("load zone", err)
	return report.DayOf(at.Std(), zone), true
}
