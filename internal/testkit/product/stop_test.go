// D2: an orderly stop loses nothing, in the middle of a backlog or while the store fails.
package product_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/store"
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

// refusing is a store that takes no rows, and tells when it has refused some.
type refusing struct {
	store.Store
	refused chan struct{}
}

func (s *refusing) Append(context.Context, *store.Batch) error {
	close(s.refused)
	return errors.New("no room for rows")
}

// Rows that the store refused are in no report, so the offsets behind them must not be
// committed by the last checkpoint: the log gives them again.
func TestOrderlyStopWhileTheStoreFailsLosesNothingD2(t *testing.T) {
	o := product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 1}
	failing := &refusing{refused: make(chan struct{})}
	broken := o
	broken.WrapStore = func(s store.Store) store.Store { failing.Store = s; return failing }
	p, err := product.Open(broken)
	if err != nil {
		t.Fatal(err)
	}
	records := append([]*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}, spec.Records([]*event.Event{crashEvent(0)})...)
	if err := p.Append(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	<-failing.refused
	if err := p.Close(); err == nil {
		t.Error("the stop did not tell that the store failed")
	}
	if p, err = product.Open(o); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	day := report.Day{Year: 2026, Month: time.March, Day: 2}
	r, err := p.Answer(t.Context(), &report.Query{Property: crashProperty,
		Metrics: []report.MetricRef{{Name: "eventCount"}}, Ranges: []report.DateRange{{Start: day, End: day}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || r.Rows[0].Metrics[0] != 1 {
		t.Errorf("reports have %v, one event was logged", r.Rows)
	}
}
