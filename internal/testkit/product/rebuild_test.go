// D7: state and store that are made anew from the log, with the archive of final days
// or without it, answer as before; also when the log has forgotten what is final.
package product_test

import (
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/report"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestRebuildFromTheLogAloneD7(t *testing.T) {
	checks(t, 2, 1)
	checkRebuilds(t, false, false)
}

func TestRebuildFromArchiveAndALogThatForgotD7(t *testing.T) {
	checks(t, 2, 1)
	checkRebuilds(t, true, true)
}

func TestRebuildOfALogThatForgotStillKnowsClientsD7(t *testing.T) {
	checks(t, 2, 1)
	checkRebuilds(t, true, false)
}

// checkRebuilds plays random traffic, and the same clients again a month later. With
// cut, the log forgets the first half when it is final; the archive holds it, or only the
// state tells of its clients.
func checkRebuilds(t *testing.T, cut, archive bool) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(), Partitions: 3,
			Adjust: func(c *pipeline.Config) { c.LogRetention = 10 * 366 * 24 * time.Hour }}} // the test cuts the log
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		want := oracle.New()
		load := func(records []*event.Record) {
			run.do("load", run.product.Load(run.ctx(), records))
			want.Fold(records)
			run.do("settle", run.product.Settle(run.ctx()))
		}
		load(append(traffic.Records(), laterEvents(traffic)...))
		starts := make([]event.Offset, run.product.Log.Partitions())
		for i := range starts {
			starts[i] = run.product.Log.End(event.Partition(i))
		}
		again := shifted(traffic, traffic.End().Sub(begin(traffic))+30*24*time.Hour)
		load(spec.Records(again.Arrivals))
		both := traffic
		both.Arrivals = append(append([]*event.Event{}, traffic.Arrivals...), again.Arrivals...)
		run.compare(want, both, spec.StandardQueries(both), "before a rebuild")
		if cut {
			for i, before := range starts {
				run.do("cut log", run.product.Log.Truncate(run.ctx(), event.Partition(i), before))
			}
		}
		run.do("close", run.product.Close())
		run.options, err = product.Rebuild(run.ctx(), run.options, archive)
		run.do("rebuild", err)
		run.open()
		run.do("catch up", run.product.Load(run.ctx(), nil))

		if cut && !archive {
			run.compare(want, again, clientQueries(again), "after a rebuild without an archive")
			return
		}
		run.compare(want, both, spec.StandardQueries(both), "after a rebuild")
	})
}

// clientQueries ask what hangs on who was there before, but not on sources.
func clientQueries(t spec.Traffic) []*report.Query {
	var out []*report.Query
	for _, q := range spec.StandardQueries(t) {
		if len(q.Dimensions) == 0 || q.Dimensions[0].Name == "date" || q.Dimensions[0].Name == "newVsReturning" {
			out = append(out, q)
		}
	}
	return out
}

func begin(t spec.Traffic) event.Time {
	first := t.End()
	for _, e := range t.Arrivals {
		first = min(first, event.Time(e.EventTime))
	}
	return first
}

// shifted is the same traffic of the same clients, later, with keys of its own.
func shifted(t spec.Traffic, by time.Duration) spec.Traffic {
	out := t
	out.Arrivals = nil
	for _, e := range t.Arrivals {
		e := proto.Clone(e).(*event.Event)
		e.EventTime += by.Microseconds()
		e.IngestTime += by.Microseconds()
		out.Arrivals = append(out.Arrivals, e)
	}
	return out
}
