// Events that came too late are counted, kept in the log, and the latest are listed
// with their place in it, for their own property only (S3, D5, D9).
package product_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestTooLateEventsAreListedD5(t *testing.T) {
	p, err := product.Open(product.Options{Dir: t.TempDir(), Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	records := []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}
	const late = 60
	for n := range late {
		e := crashEvent(n)
		e.Trusted = false
		e.EventTime = e.IngestTime - int64((24*time.Hour+time.Duration(n+1)*time.Second)/time.Microsecond)
		e.Url += "?secret=1"
		records = append(records, &event.Record{Kind: &event.Record_Event{Event: e}})
	}
	other := crashEvent(late)
	other.Property = uint64(crashProperty.ID) + 1
	records = append(records, &event.Record{Kind: &event.Record_Event{Event: other}})
	if err := p.Load(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	l, err := p.Ledger(t.Context(), crashProperty.ID)
	if err != nil {
		t.Fatal(err)
	}
	if l.TooLate != late || len(l.Latest) != ledger.MaxTooLate {
		t.Fatalf("%d too late, %d listed, want %d and %d", l.TooLate, len(l.Latest), late, ledger.MaxTooLate)
	}
	for _, e := range l.Latest {
		got := inLog(t, p, e.Row)
		if got.Name != e.Name || e.Page != fmt.Sprintf("https://shop.example/e/%s", got.Key[1:]) || event.Time(got.EventTime) != e.EventTime {
			t.Errorf("listed %+v, the log has %s %s", e, got.Name, got.Url)
		}
	}
	if l, err := p.Ledger(t.Context(), crashProperty.ID+1); err != nil || len(l.Latest) != 0 {
		t.Errorf("another property lists %v, %v", l.Latest, err)
	}
}

// inLog reads the event of a row.
func inLog(t *testing.T, p *product.Product, row event.RowID) *event.Event {
	t.Helper()
	entries, err := p.Log.Read(context.Background(), row.Partition(), row.Offset(), 1, nil)
	if err != nil || len(entries) == 0 {
		t.Fatalf("read row %v: %v", row, err)
	}
	r := &event.Record{}
	if err := r.UnmarshalVT(entries[0].Payload); err != nil {
		t.Fatal(err)
	}
	return r.GetEvent()
}
