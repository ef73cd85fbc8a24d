// S30 on the whole pipeline: after an erasure, final days are those of a world in
// which the client's earlier events never were, whatever happens meanwhile.
package product_test

import (
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestErasedClientsAreAsIfTheyHadNeverBeenS30(t *testing.T) {
	checks(t, 8, 1)
	checkErasures(t, func(o *product.Options) {})
}

func TestErasedClientsAreAsIfTheyHadNeverBeenInMemoryS30(t *testing.T) {
	checks(t, 120, 10)
	checkErasures(t, func(o *product.Options) {
		disk := storetest.NewDisk()
		o.OpenStore = func(m store.Manifest) (store.Store, error) { return storetest.OpenMem(disk, m) }
	})
}

func checkErasures(t *testing.T, adjust func(*product.Options)) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(),
			Partitions: rapid.SampledFrom([]int{1, 3}).Draw(rt, "partitions"),
			Adjust:     func(c *pipeline.Config) { c.LogRetention = 10 * 366 * 24 * time.Hour }}} // a replay can ask the log
		adjust(&run.options)
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		records := traffic.Records()
		whose := rapid.SampledFrom(traffic.Arrivals).Draw(rt, "erased")
		cut := rapid.IntRange(1, len(records)).Draw(rt, "erased after")
		now := int64(0)
		for _, r := range records[:cut] {
			now = max(now, r.GetEvent().GetIngestTime())
		}
		run.do("load", run.product.Load(run.ctx(), records[:cut]))
		run.disturb()
		run.do("erase", run.product.Load(run.ctx(), []*event.Record{{Kind: &event.Record_Erasure{Erasure: &event.Erasure{
			Property: whose.Property, ClientId: whose.ClientId, IngestTime: now}}}}))
		run.disturb()
		run.do("load", run.product.Load(run.ctx(), records[cut:]))
		run.disturb()

		want := oracle.New()
		want.Fold(lessClient(records[:cut], whose))
		want.Fold(lessClientUntil(records[cut:], whose, now))
		later := &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{
			IngestTime: int64(traffic.End().Add(10 * 24 * time.Hour))}}}
		run.do("load", run.product.Load(run.ctx(), []*event.Record{later}))
		want.Fold([]*event.Record{later})
		run.do("settle", run.product.Settle(run.ctx()))
		run.mustForget(want, traffic, whose, "when days are final")
		for _, p := range traffic.Properties {
			if uint64(p.ID) == whose.Property && run.product.Processor.Manifest().FinalUntil[p.ID] != 0 {
				run.replay(p, p, rapid.Bool().Draw(rt, "with log"), traffic)
				run.do("settle", run.product.Settle(run.ctx()))
			}
		}
		run.mustForget(want, traffic, whose, "after a replay")
	})
}

// mustForget compares all standard reports, and the account, with an oracle that never
// heard of the client.
func (r *run) mustForget(want *oracle.Oracle, traffic spec.Traffic, whose *event.Event, when string) {
	for _, q := range spec.StandardQueries(traffic) {
		expected, err := want.Answer(q)
		r.do("ask the oracle", err)
		got, err := r.product.Answer(r.ctx(), q)
		r.do("ask the product", err)
		if diff := spec.Diff(expected, got); diff != "" {
			r.rt.Fatalf("%s, %s erased, %v by %v: (- oracle, + product)\n%s", when, whose.ClientId, q.Metrics, q.Dimensions, diff)
		}
	}
	for _, p := range traffic.Properties {
		l, err := r.product.Ledger(r.ctx(), p.ID)
		r.do("ask for the ledger", err)
		if expected := want.Ledger(p.ID); !l.Balanced() || l.Stored != expected.Stored || l.Pending != 0 {
			r.rt.Fatalf("%s: ledger is %+v, stored by the oracle %d", when, l, expected.Stored)
		}
	}
}

// lessClient puts a tick in the place of each event of the client of e: time went on
// all the same.
func lessClient(records []*event.Record, e *event.Event) []*event.Record {
	return lessClientUntil(records, e, 1<<62)
}

// lessClientUntil does so for events that were accepted by then.
func lessClientUntil(records []*event.Record, e *event.Event, until int64) []*event.Record {
	out := make([]*event.Record, len(records))
	for i, r := range records {
		out[i] = r
		if o := r.GetEvent(); o != nil && o.Property == e.Property && o.ClientId == e.ClientId && o.IngestTime <= until {
			out[i] = &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: o.IngestTime}}}
		}
	}
	return out
}

// Cells of a day whose last row was erased go too: nothing is left that they could be made of again.
func TestErasedOnlyClientLeavesNoCellsS30(t *testing.T) {
	p, err := product.Open(product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	load := func(records ...*event.Record) {
		t.Helper()
		if err := p.Load(t.Context(), records); err != nil {
			t.Fatal(err)
		}
		if err := p.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tick := func(days int64) *event.Record {
		return &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: crashStart + days*86_400_000_000}}}
	}
	load(append([]*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}, spec.Records([]*event.Event{crashEvent(0)})...)...)
	again := crashEvent(5) // of the same client, so that some days lie between its first and last
	again.EventTime += 5 * 86_400_000_000
	again.IngestTime = again.EventTime
	load(spec.Records([]*event.Event{again})...)
	load(tick(20))
	later := crashEvent(1) // of another client, so that days go on
	later.EventTime += 60 * 86_400_000_000
	later.IngestTime = later.EventTime
	load(spec.Records([]*event.Event{later})...)
	load(tick(75))
	earliest := func() event.Time {
		first := event.Time(1 << 62)
		for _, seg := range p.Processor.Manifest().Segments {
			if seg.Table == store.RollupCells {
				first = min(first, seg.MinTime)
			}
		}
		return first
	}
	if earliest() > crashStart {
		t.Fatal("the day of the client has no cells: the test proves nothing")
	}
	load(&event.Record{Kind: &event.Record_Erasure{Erasure: &event.Erasure{Property: 1, ClientId: crashEvent(0).ClientId,
		IngestTime: crashStart + 75*86_400_000_000}}}, tick(76))
	if earliest() < crashStart+event.Time(50*86_400_000_000) {
		t.Error("cells of the client's day are left")
	}
	day := report.Day{Year: 2026, Month: time.March, Day: 2}
	r, err := p.Answer(t.Context(), &report.Query{Property: crashProperty, Dimensions: []report.DimensionRef{{Name: "pagePath"}},
		Metrics: []report.MetricRef{{Name: "eventCount"}}, Ranges: []report.DateRange{{Start: day, End: day}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) > 0 {
		t.Errorf("reports still have %v", r.Rows)
	}
}
