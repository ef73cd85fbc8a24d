// Checks: answers, accounts and claims against the oracle over what the log holds.
package sim

import (
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/spec"
)

// questions keeps queries out of what rapid prints.
type questions struct{ queries []*report.Query }

func (h *history) oracle() *oracle.Oracle {
	o := oracle.New()
	o.Fold(h.records)
	return o
}

// compare asks queries of both, and looks at the accounts.
func (w *world) compare(seen *history, queries []*report.Query, when string) error {
	want := seen.oracle()
	for _, q := range queries {
		expected, err := want.Answer(q)
		if err != nil {
			return fmt.Errorf("ask the oracle: %w", err)
		}
		got, err := w.machine.product.Answer(w.ctx, q)
		if err != nil {
			return fmt.Errorf("ask the product: %w", err)
		}
		if diff := spec.Diff(expected, got); diff != "" {
			return fmt.Errorf("%s, property %d, %v by %v: (- oracle, + product)\n%s",
				when, q.Property.ID, q.Metrics, q.Dimensions, diff)
		}
	}
	for _, p := range w.traffic.Properties {
		if err := w.compareLedger(p.ID, seen, want.Ledger(p.ID), when); err != nil {
			return err
		}
	}
	return nil
}

// compareLedger: D6. Where somebody was erased the account still knows the events, and
// the oracle never heard of them.
func (w *world) compareLedger(id event.PropertyID, seen *history, want report.Ledger, when string) error {
	got, err := w.machine.product.Ledger(w.ctx, id)
	if err != nil {
		return fmt.Errorf("ask for the ledger: %w", err)
	}
	logged := int64(0)
	for _, e := range seen.events {
		if event.PropertyID(e.Property) == id {
			logged++
		}
	}
	if !got.Balanced() || got.Pending != 0 || got.Stored != want.Stored || got.Accepted != logged || got.Unmerged != 0 || got.Expired != 0 {
		return fmt.Errorf("%s: the ledger of property %d is %+v, the log holds %d events of it, the oracle's is %+v",
			when, id, got, logged, want)
	}
	return nil
}

// mustBeFinal checks that what is compared are final days, not young rows.
func (w *world) mustBeFinal(seen *history) error {
	last := map[event.PropertyID]event.Time{}
	for _, r := range seen.records {
		if e := r.GetEvent(); e != nil && !event.TooLate(e) {
			id := event.PropertyID(e.Property)
			last[id] = max(last[id], event.Time(e.EventTime))
		}
	}
	until := w.machine.product.Processor.Manifest().FinalUntil
	for id, at := range last {
		if until[id] <= at {
			return fmt.Errorf("property %d is final until %v, its last event is at %v", id, until[id], at)
		}
	}
	return nil
}

// askWhileBusy asks for all events of a property while rows are on their way. What the
// answer claims to hold it must hold: whatever was accepted before processedThrough (D5, S27).
func (w *world) askWhileBusy() error {
	p := w.traffic.Properties[w.rng.IntN(len(w.traffic.Properties))]
	q := spec.StandardQueries(w.traffic)[0]
	q.Property, q.AllVerdicts, q.Aggregations = p, true, nil
	q.Metrics = []report.MetricRef{{Name: "eventCount"}}
	got, err := w.machine.product.Answer(w.ctx, q)
	if err != nil {
		return fmt.Errorf("ask while rows are on their way: %w", err)
	}
	seen, err := w.records()
	if err != nil {
		return err
	}
	claimed := oracle.New()
	for _, r := range seen.records {
		if e := r.GetEvent(); e == nil || event.Time(e.IngestTime) < got.Meta.ProcessedThrough {
			claimed.Fold([]*event.Record{r})
		}
	}
	least, err := claimed.Answer(q)
	if err != nil {
		return fmt.Errorf("ask the oracle: %w", err)
	}
	if count(got) < count(least) {
		return fmt.Errorf("property %d: an answer processed through %v holds %v events, before it %v were logged",
			p.ID, got.Meta.ProcessedThrough, count(got), count(least))
	}
	return nil
}

func count(r *report.Result) float64 {
	if len(r.Rows) == 0 {
		return 0
	}
	return r.Rows[0].Metrics[0]
}
