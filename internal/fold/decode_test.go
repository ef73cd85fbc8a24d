// Decoding: the fast path takes what is an event and nothing else.
package fold

import (
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestRecordsOfAnEventAndMoreAreFoldedAlike(t *testing.T) {
	e := &event.Event{Property: testProperty, ClientId: "a", Key: "k", Name: "page_view", EventTime: 1000, IngestTime: 1000}
	plain, err := (&event.Record{Kind: &event.Record_Event{Event: e}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	more := append(append([]byte(nil), plain...), 0x98, 0x06, 0x01) // field 99 of a later version
	for name, payload := range map[string][]byte{"fast": plain, "slow": more} {
		h := newHarness(t)
		if _, fast := eventBody(payload); fast != (name == "fast") {
			t.Errorf("%s path: eventBody says %v", name, fast)
		}
		var out store.Batch
		if err := h.fold.Apply(0, payload, &out); err != nil {
			t.Fatal(err)
		}
		if len(out.Events) != 1 || out.Events[0].Name != "page_view" || out.Events[0].Key != "k" {
			t.Errorf("%s path made %+v", name, out.Events)
		}
	}
}

func TestEventsDoNotInheritFromTheOneBefore(t *testing.T) {
	h := newHarness(t)
	h.define(&event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"})
	h.event(&event.Event{ClientId: "a", Key: "k1", Name: "purchase", Title: "Thanks", EventTime: 1000, IngestTime: 1000,
		HasValue: true, ValueMicros: 5, Currency: "EUR", Params: []*event.Param{event.TextParam("x", "y")},
		Geo: &event.Geo{Country: "DE"}})
	h.event(&event.Event{ClientId: "b", Key: "k2", Name: "page_view", EventTime: 2000, IngestTime: 2000})
	row := h.out.Events[1]
	if row.Title != notSet || row.Params != "" || row.Country != notSet || row.ValueMicros != 0 {
		t.Errorf("the second event has facts of the first: %+v", row)
	}
}

func TestUnknownRecordsAreAnErrorNotSkipped(t *testing.T) {
	h := newHarness(t)
	if err := h.fold.Apply(0, []byte{0x7a, 0x00}, &store.Batch{}); err == nil { // field 15: no kind we know
		t.Error("a record of an unknown kind was skipped")
	}
}
