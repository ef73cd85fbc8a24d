// D8: a store that stands still stops nobody. Events are acknowledged, the backlog lies
// in the log and not in memory, freshness says how far behind reports are, and all of it
// is counted once the store goes on.
package product_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

// standing is a store whose appends wait for a gate, and that knows the rows it was
// handed meanwhile.
type standing struct {
	store.Store
	gate chan struct{}

	mu     sync.Mutex
	handed int
}

func (s *standing) Append(ctx context.Context, b *store.Batch) error {
	s.mu.Lock()
	s.handed += len(b.Events)
	s.mu.Unlock()
	<-s.gate
	return s.Store.Append(ctx, b)
}

func (s *standing) rows() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handed
}

func TestD8StoreThatStandsStillStopsNobody(t *testing.T) {
	stalled := &standing{gate: make(chan struct{})}
	p, err := product.Open(product.Options{Dir: t.TempDir(), Partitions: 2,
		OpenStore: func(m store.Manifest) (store.Store, error) {
			mem, err := storetest.OpenMem(storetest.NewDisk(), m)
			stalled.Store = mem
			return stalled, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const batches, size = 60, 1000
	define := []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}
	if err := p.Append(t.Context(), define); err != nil {
		t.Fatal(err)
	}
	for i := range batches { // each returns: it is acknowledged
		var records []*event.Record
		for j := range size {
			e := crashEvent(0)
			e.Key, e.ClientId = fmt.Sprint(i, "-", j), fmt.Sprint("c", j)
			e.EventTime += int64(i*size + j)
			e.IngestTime = e.EventTime
			records = append(records, &event.Record{Kind: &event.Record_Event{Event: e}})
		}
		if err := p.Append(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	f, err := p.Processor.Freshness(t.Context(), crashProperty.ID)
	if err != nil {
		t.Fatal(err)
	}
	if f.Ledger.Accepted != batches*size || f.Ledger.Stored != 0 || !f.Ledger.Balanced() || f.Lag < batches*size {
		t.Errorf("while the store stands still: ledger %+v, lag %d", f.Ledger, f.Lag)
	}
	if f.ProcessedThrough >= crashStart+event.Time(batches*size) {
		t.Errorf("processed through %v, and nothing is visible", f.ProcessedThrough)
	}
	// Two rounds are under way at most, of 192 KiB of each partition.
	if most := batches * size / 2; stalled.rows() > most {
		t.Errorf("%d rows wait in memory for the store, want at most %d of %d", stalled.rows(), most, batches*size)
	}
	close(stalled.gate)
	if err := p.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r, err := p.Answer(t.Context(), &report.Query{Property: crashProperty, Metrics: []report.MetricRef{{Name: "eventCount"}},
		Ranges: []report.DateRange{{Start: report.Day{Year: 2026, Month: 1, Day: 1}, End: report.Day{Year: 2026, Month: 12, Day: 31}}}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := p.Ledger(t.Context(), crashProperty.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows[0].Metrics[0] != batches*size || l.Stored != batches*size || l.Pending != 0 || !l.Balanced() {
		t.Errorf("afterwards: %v events, ledger %+v", r.Rows[0].Metrics[0], l)
	}
}
