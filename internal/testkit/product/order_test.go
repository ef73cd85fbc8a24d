// D3, D2, D6 on the whole pipeline: whatever the order of arrival, the batching,
// the checkpoints, the restarts and the crashes, final days are those of the
// naive oracle, answers before that are exact, and the ledger balances.
package product_test

import (
	"context"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

// On DuckDB, and many times more on the store in memory, whose answers storetest
// holds DuckDB to: it is where rare orders are found.
func TestFinalDaysEqualTheOracleInAnyOrderD3(t *testing.T) {
	checks(t, 25, 1)
	checkOrders(t, func(o *product.Options) {})
}

func TestFinalDaysEqualTheOracleInAnyOrderInMemoryD3(t *testing.T) {
	checks(t, 400, 20)
	checkOrders(t, func(o *product.Options) {
		disk := storetest.NewDisk()
		o.OpenStore = func(m store.Manifest) (store.Store, error) { return storetest.OpenMem(disk, m) }
	})
}

// checks sets how many orders a test tries: n, or in a soak more.
func checks(t *testing.T, n, soakFactor int) {
	if text := os.Getenv("TIDEMARK_D3_CHECKS"); text != "" {
		soak, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		n = soak * soakFactor
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

func checkOrders(t *testing.T, adjust func(*product.Options)) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		if rapid.Bool().Draw(rt, "permuted") {
			traffic = traffic.Permute(rt)
		}
		if rapid.Bool().Draw(rt, "duplicated") {
			traffic = traffic.Duplicate(rt)
		}
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(),
			Partitions: rapid.SampledFrom([]int{1, 2, 5}).Draw(rt, "partitions")}}
		adjust(&run.options)
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		want := oracle.New()

		records := traffic.Records()
		for len(records) > 0 {
			n := rapid.IntRange(1, len(records)).Draw(rt, "batch")
			run.do("load", run.product.Load(run.ctx(), records[:n]))
			want.Fold(records[:n])
			records = records[n:]
			run.disturb()
		}
		run.compare(want, traffic, spec.RandomQueries(rt, traffic), "before days are final")

		later := &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{
			IngestTime: int64(traffic.End().Add(10 * 24 * time.Hour))}}}
		run.do("load", run.product.Load(run.ctx(), []*event.Record{later}))
		want.Fold([]*event.Record{later})
		run.do("settle", run.product.Settle(run.ctx()))
		for _, p := range traffic.Properties {
			run.mustBeFinal(p.ID, traffic)
		}
		run.compare(want, traffic, spec.StandardQueries(traffic), "when days are final")
	})
}

// run is one product through its disturbances.
type run struct {
	rt      *rapid.T
	options product.Options
	product *product.Product
}

func (r *run) ctx() context.Context { return r.rt.Context() }

func (r *run) do(what string, err error) {
	if err != nil {
		r.rt.Fatalf("%s: %v", what, err)
	}
}

func (r *run) open() {
	var err error
	r.product, err = product.Open(r.options)
	r.do("open", err)
}

// disturb does one of the things that may happen at any time.
func (r *run) disturb() {
	switch rapid.SampledFrom([]string{"", "", "checkpoint", "settle", "restart", "crash"}).Draw(r.rt, "disturbance") {
	case "checkpoint":
		r.do("checkpoint", r.product.Processor.Checkpoint(r.ctx()))
	case "settle":
		r.do("settle", r.product.Settle(r.ctx()))
	case "restart":
		r.do("close", r.product.Close())
		r.open()
	case "crash":
		r.do("crash", r.product.Crash())
		r.open()
	}
	r.do("catch up", r.product.Load(r.ctx(), nil))
}

func (r *run) compare(want *oracle.Oracle, traffic spec.Traffic, queries []*report.Query, when string) {
	for _, q := range queries {
		expected, err := want.Answer(q)
		r.do("ask the oracle", err)
		got, err := r.product.Answer(r.ctx(), q)
		r.do("ask the product", err)
		if diff := spec.Diff(expected, got); diff != "" {
			r.rt.Fatalf("%s, %v by %v: (- oracle, + product)\n%s", when, q.Metrics, q.Dimensions, diff)
		}
	}
	for _, p := range traffic.Properties {
		expected := want.Ledger(p.ID)
		got, err := r.product.Ledger(r.ctx(), p.ID)
		r.do("ask for the ledger", err)
		if !got.Balanced() {
			r.rt.Fatalf("%s: ledger does not balance: %+v", when, got)
		}
		if got.Stored != expected.Stored || got.Duplicate != expected.Duplicate || got.TooLate != expected.TooLate ||
			got.Pending != 0 || got.Unmerged != 0 {
			r.rt.Fatalf("%s: ledger is %+v, the oracle's %+v", when, got, expected)
		}
	}
}

// mustBeFinal checks that what is compared are final days, not young rows.
func (r *run) mustBeFinal(id event.PropertyID, traffic spec.Traffic) {
	last := event.Time(0)
	for _, e := range traffic.Arrivals {
		if event.PropertyID(e.Property) == id && !event.TooLate(e) {
			last = max(last, event.Time(e.EventTime))
		}
	}
	m := r.product.Processor.Manifest()
	if last != 0 && m.FinalUntil[id] <= last {
		r.rt.Fatalf("property %d is final until %v, its last event is at %v\n%+v", id, m.FinalUntil[id], last, m)
	}
}
