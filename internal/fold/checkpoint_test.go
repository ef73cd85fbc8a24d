// Checkpoints while the fold goes on: what was encoded is as it was at Freeze,
// and nothing is loaded from a checkpoint that is not committed yet.
package fold

import (
	"fmt"
	"slices"
	"testing"

	"tidemark/internal/event"
)

func (h *harness) view(client, key string, at int64) {
	h.event(&event.Event{ClientId: client, Key: key, Name: "page_view", Url: "https://shop.example/",
		EventTime: at, IngestTime: at, Trusted: true})
	h.flush()
}

func TestDuplicateBetweenEncodeAndCommitCountsOnceS7(t *testing.T) {
	h := newHarness(t)
	h.define(&event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"})
	h.view("a", "k1", 1000)
	z, err := h.fold.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	pending := map[string][]byte{}
	if err := z.Encode(func(k, v []byte) error {
		pending[string(k)] = slices.Clone(v)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.view("a", "k1", 2000) // a copy, and h.saved has no checkpoint yet
	h.view("a", "k1", 3000)
	h.view("a", "k2", 4000)
	if l := h.fold.Ledgers()[testProperty]; l.Stored != 2 || l.Duplicate != 2 {
		t.Errorf("ledger is %+v, want 2 stored and 2 duplicates", l)
	}
	if s := h.sessions(nil); len(s) != 1 {
		t.Errorf("%d sessions, want 1:\n%v", len(s), s)
	}
}

func TestEncodeIsOfTheMomentOfFreeze(t *testing.T) {
	h := newHarness(t)
	h.define(&event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"})
	for i := range 600 { // more than one portion
		h.view(fmt.Sprint("c", i), fmt.Sprint("k", i), int64(1000+i))
	}
	z, err := h.fold.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 { // the fold changes every client before it is encoded
		h.view(fmt.Sprint("c", i), fmt.Sprint("later", i), int64(5000+i))
	}
	seen := 0
	if err := z.Encode(func(k, v []byte) error {
		c := &ClientRecord{}
		if err := c.UnmarshalVT(v); err != nil {
			return err
		}
		if len(c.Keys) != keySize || c.Parts[0].Events != 1 {
			return fmt.Errorf("client %s was encoded with %d keys and %d events", c.ClientId, len(c.Keys)/keySize, c.Parts[0].Events)
		}
		h.saved[string(k)] = slices.Clone(v)
		seen++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if seen != 600 {
		t.Errorf("%d clients were encoded, want 600", seen)
	}
}

func TestThawKeepsTheClientsTouchedLast(t *testing.T) {
	h := newHarness(t)
	h.define(&event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"})
	at := int64(1000)
	checkpoint := func(keep int) {
		z, err := h.fold.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Encode(func(k, v []byte) error {
			h.saved[string(k)] = slices.Clone(v)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		z.Thaw(keep)
	}
	for round := range 5 {
		for i := range 10 {
			at++
			h.view(fmt.Sprintf("round%d-%d", round, i), fmt.Sprint(at), at)
		}
		checkpoint(15)
	}
	if n := len(h.fold.clients); n != 15 {
		t.Errorf("%d clients are live, want 15", n)
	}
	for i := range 10 {
		if h.fold.clients[string(ClientKey(nil, testProperty, "", fmt.Sprintf("round4-%d", i)))] == nil {
			t.Errorf("client %d of the last round was let go before older ones", i)
		}
	}
}

// A state can write what comes in order without keeping it in memory.
func TestEncodeIsInOrderAndOnce(t *testing.T) {
	h := newHarness(t)
	h.define(&event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"})
	for i := range 700 {
		h.view(fmt.Sprint("c", i*7919%700), fmt.Sprint("k", i), int64(1000+i))
	}
	h.flush()
	for i := range 20 { // erased, and half of them here again
		id := fmt.Sprint("c", i)
		h.apply(&event.Record{Kind: &event.Record_Erasure{Erasure: &event.Erasure{Property: testProperty, ClientId: id, IngestTime: int64(5000 + i)}}})
		if i%2 == 0 {
			h.view(id, fmt.Sprint("again", i), int64(6000+i))
		}
	}
	z, err := h.fold.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		h.view(fmt.Sprint("c", 2*i+1), fmt.Sprint("later", i), int64(7000+i))
	}
	var keys []string
	erased := 0
	if err := z.Encode(func(k, v []byte) error {
		keys = append(keys, string(k))
		if v == nil {
			erased++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(keys); !slices.IsSorted(keys) || len(slices.Compact(keys)) != n || n != 700 || erased != 10 {
		t.Errorf("%d keys, in order: %v; %d erased, want 700 in order, 10 erased", len(keys), slices.IsSorted(keys), erased)
	}
}
