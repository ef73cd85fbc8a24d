// What a client's record keeps is its own: neither the records of the log, which go
// after each batch, nor the saved record it was loaded from may be written over or change it.
package fold

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
)

func (h *harness) visit(i int) {
	at := int64(1_795_000_000_000_000 + i*1000)
	name := "page_view"
	if i%5 == 4 {
		name = "scroll"
	}
	h.event(&event.Event{ClientId: fmt.Sprint("client-", i%3), Key: fmt.Sprint("key-", i), UserId: fmt.Sprint("user-", i),
		SessionId: fmt.Sprint("session-", i%2), Name: name, EventTime: at, IngestTime: at, Language: "en", Trusted: true,
		Url:      fmt.Sprintf("https://shop.example/page-%d?utm_source=source-%d&utm_campaign=autumn&q=%d", i, i, i),
		Referrer: "https://www.google.com/", Geo: &event.Geo{Country: "DE", City: "Bremen"}})
}

// records returns what the fold would save.
func (h *harness) records() map[string]*ClientRecord {
	out := map[string]*ClientRecord{}
	for key, c := range h.fold.clients {
		out[key] = proto.CloneOf(&c.ClientRecord)
	}
	return out
}

func TestRecordsAreTheirOwnMemory(t *testing.T) {
	// One fold is begun anew from its records again and again, and its payloads are
	// written over after each batch; the other keeps all it ever had.
	hard, easy := newHarness(t), newHarness(t)
	compared := 0
	for i := range 60 {
		hard.visit(i)
		easy.visit(i)
		if i%4 != 3 {
			continue
		}
		easy.payloads = nil
		hard.flush()
		easy.flush()
		was := easy.records()
		for key, have := range hard.records() {
			if !proto.Equal(have, was[key]) {
				t.Fatalf("event %d: client %q is\n%v\nwant\n%v", i, key, have, was[key])
			}
			compared++
		}
		if i%12 == 11 {
			hard.restart()
		}
	}
	if compared < 40 {
		t.Errorf("only %d records were compared", compared)
	}
}
