// The fold alone: events/s on one core, with decoding and derivation.
package fold

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// BenchmarkFold folds sessions of five page views by returning clients, a
// thousand records to the batch.
func BenchmarkFold(b *testing.B) {
	const clients = 50_000
	payloads := benchPayloads(b, 200_000, clients)
	h := newHarness(b)
	h.define(&event.Definition{Version: 1, TimeZone: "Europe/Berlin", Currency: "EUR"})
	out := &store.Batch{}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i > 0 && i%len(payloads) == 0 { // each pass: the same visits, as new clients
			b.StopTimer()
			h = newHarness(b)
			b.StartTimer()
		}
		if err := h.fold.Apply(event.Offset(i+1), payloads[i%len(payloads)], out); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			h.fold.Flush(out)
			out.Reset()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func benchPayloads(b *testing.B, n, clients int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
	}
	at := int64(1_795_000_000_000_000)
	out := make([][]byte, n)
	for i := range out {
		at += 1000
		e := &event.Event{
			Property: testProperty, MeasurementId: "G-ABCDEFGHIJ", ClientId: fmt.Sprintf("%d.%d", r.IntN(clients), 1795000000),
			Key: fmt.Sprintf("%032x", i), EventTime: at, IngestTime: at + 500, Name: "page_view",
			Url:      fmt.Sprintf("https://shop.example/p/%d?utm_source=x", r.IntN(1000)),
			Referrer: "https://www.google.com/", Title: "A product page", UserAgent: agents[r.IntN(2)],
			Language: "en-gb", Screen: "1920x1080", Geo: &event.Geo{Country: "GB", Region: "England", City: "London"},
			EngagementKnown: true, EngagementMs: int64(r.IntN(5000)),
			Params: []*event.Param{event.TextParam("plan", "pro"), event.IntegerParam("step", 3)},
		}
		b, err := (&event.Record{Kind: &event.Record_Event{Event: e}}).MarshalVT()
		if err != nil {
			panic(err)
		}
		out[i] = b
	}
	return out
}

// BenchmarkReturning folds one event of each of many clients that were saved before
// and are let go after: each is loaded, decoded and encoded.
func BenchmarkReturning(b *testing.B) {
	const clients, perClient = 20_000, 4
	payloads := benchPayloads(b, clients*(perClient+1), clients)
	h := newHarness(b)
	h.define(&event.Definition{Version: 1, TimeZone: "Europe/Berlin", Currency: "EUR"})
	out := &store.Batch{}
	offset := event.Offset(1)
	apply := func(payload []byte) {
		if err := h.fold.Apply(offset, payload, out); err != nil {
			b.Fatal(err)
		}
		offset++
	}
	checkpoint := func(emit func(key, value []byte) error) {
		h.fold.Flush(out)
		out.Reset()
		z, err := h.fold.Freeze()
		if err != nil {
			b.Fatal(err)
		}
		if err := z.Encode(emit); err != nil {
			b.Fatal(err)
		}
		z.Thaw(0)
	}
	for _, payload := range payloads[:clients*perClient] {
		apply(payload)
	}
	size := 0
	checkpoint(func(key, value []byte) error {
		h.saved[string(key)] = append([]byte(nil), value...)
		size += len(value)
		return nil
	})
	again := payloads[clients*perClient:]
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		apply(again[i%len(again)])
		if i%1000 == 999 {
			checkpoint(func([]byte, []byte) error { return nil })
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(size)/float64(len(h.saved)), "B/record")
}
