// D2: an orderly stop in the middle of a backlog loses nothing.
package product_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestOrderlyStopInABacklogLosesNothingD2(t *testing.T) {
	const batches, perBatch, stops = 4, 1500, 8
	o := product.Options{Dir: t.TempDir(), FS: vfs.NewMem()}
	open := func() *product.Product {
		p, err := product.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if err := p.Load(t.Context(), []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range stops {
		for range batches {
			var events []*event.Event
			for range perBatch {
				at := int64(crashStart + n)
				events = append(events, &event.Event{Property: 1, ClientId: fmt.Sprint("c", n%500), Key: fmt.Sprint("k", n),
					Name: "page_view", Url: "https://shop.example/", EventTime: at, IngestTime: at, Trusted: true})
				n++
			}
			if err := p.Append(t.Context(), spec.Records(events)); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil { // most of it is not folded yet
			t.Fatal(err)
		}
		p = open()
	}
	defer p.Close()
	if err := p.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	day := report.Day{Year: 2026, Month: time.March, Day: 2}
	r, err := p.Answer(t.Context(), &report.Query{Property: crashProperty, Limit: 10,
		Metrics: []report.MetricRef{{Name: "eventCount"}}, Ranges: []report.DateRange{{Start: day, End: day}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || r.Rows[0].Metrics[0] != float64(n) {
		t.Errorf("reports have %v, %d events were logged", r.Rows, n)
	}
	l, err := p.Ledger(t.Context(), 1)
	if err != nil || l.Stored != int64(n) || !l.Balanced() {
		t.Errorf("ledger is %+v, %v; %d events were logged", l, err, n)
	}
}
