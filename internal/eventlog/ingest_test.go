// A log that was cut may begin with a record of any kind.
package eventlog_test

import (
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

func TestS31_EveryKindOfRecordTellsWhenItCame(t *testing.T) {
	log := memlog.New(memlog.Config{Partitions: 1})
	kinds := []*event.Record{
		{Kind: &event.Record_Event{Event: &event.Event{IngestTime: 11}}},
		{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: 12}}},
		{Kind: &event.Record_Definition{Definition: &event.Definition{IngestTime: 13}}},
		{Kind: &event.Record_Erasure{Erasure: &event.Erasure{IngestTime: 14}}},
	}
	// A kind that is added must be added here.
	if got := (&event.Record{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields().Len(); got != len(kinds) {
		t.Fatalf("a record has %d kinds, and %d are tested", got, len(kinds))
	}
	b := &eventlog.Batch{}
	for _, r := range kinds {
		payload, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		b.Records = append(b.Records, eventlog.Record{Payload: payload})
	}
	if err := log.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for i, want := range []event.Time{11, 12, 13, 14, 0} { // behind the end there is none
		got, err := eventlog.IngestTimeAt(t.Context(), log, 0, event.Offset(i))
		if err != nil || got != want {
			t.Errorf("record %d: got %v, %v, want %v", i, got, err, want)
		}
	}
}
