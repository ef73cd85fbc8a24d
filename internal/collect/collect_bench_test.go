// Benchmarks: the collector without a network, and over HTTP beside a bare
// server that only reads the body. The log keeps nothing and costs nothing, so
// that what is seen is the collector.
package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// nothingLog accepts everything.
type nothingLog struct{ eventlog.Log }

func (nothingLog) Partitions() int                               { return 16 }
func (nothingLog) End(event.Partition) event.Offset              { return 0 }
func (nothingLog) Append(context.Context, *eventlog.Batch) error { return nil }

func newBenchFixture(b *testing.B) *fixture {
	f := newFixture(b, func(_ *Config, d *Deps) { d.Log = nothingLog{} })
	f.newKey = func() string { return "random" }
	return f
}

const (
	benchAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	benchEvent = `{"event_id":"8f14e45fceea167a5a36dedd4bea2543","time":1795435188000,"name":"page_view",` +
		`"url":"https://shop.example/category/shoes?utm_source=news&utm_medium=email","referrer":"https://shop.example/",` +
		`"language":"en-NZ","screen":"1920x1080","engaged":true,"title":"Shoes - the shop","params":{"theme":"dark","items":3}}`
	benchTag = "/g/collect?v=2&tid=G-UTC&gtm=45je&_p=17900&cid=111.222&ul=en-nz&sr=1920x1080&_s=1&sid=1795431000&sct=2&seg=1" +
		"&dl=https%3A%2F%2Fshop.example%2F%3Fa%3D1%26b%3D2&dr=https%3A%2F%2Fwww.google.com%2F&dt=The+shop&en=page_view&_et=1234&ep.method=email"
	benchMP = `{"client_id":"123.456","events":[{"name":"purchase","params":{"session_id":"1795431000","engagement_time_msec":"1500",` +
		`"page_location":"https://shop.example/thanks","value":49.5,"currency":"EUR","transaction_id":"T7"}}]}`
)

// run serves the same request again and again without a network.
func (f *fixture) serve(b *testing.B, target, body string, events int) {
	r := newRequest(target, body)
	r.Header.Set("User-Agent", benchAgent)
	reader := strings.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &countingWriter{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		f.handler.ServeHTTP(w, r)
	}
	if w.code >= 300 {
		b.Fatalf("answered %d", w.code)
	}
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkNativeSingle(b *testing.B) {
	newBenchFixture(b).serve(b, "/v1/events?measurement_id=G-UTC&sent=1795435190000", benchEvent, 1)
}

func BenchmarkNativeBatchOf100(b *testing.B) {
	body := "[" + strings.Repeat(benchEvent+",", 99) + benchEvent + "]"
	newBenchFixture(b).serve(b, "/v1/events?measurement_id=G-UTC&sent=1795435190000", body, 100)
}

func BenchmarkMeasurementProtocol(b *testing.B) {
	newBenchFixture(b).serve(b, "/mp/collect?measurement_id=G-UTC&api_secret=sesame", benchMP, 1)
}

func BenchmarkTag(b *testing.B) {
	newBenchFixture(b).serve(b, benchTag, "", 1)
}

// BenchmarkHTTP sends over 64 connections: "bare" is the floor that the
// collector is compared with.
func BenchmarkHTTP(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
		events  int
	}{{"bare", bare, 1}, {"native", newBenchFixture(b).handler, 1}, {"native100", newBenchFixture(b).handler, 100}} {
		b.Run(c.name, func(b *testing.B) {
			body := []byte(benchEvent)
			if c.events > 1 {
				body = []byte("[" + strings.Repeat(benchEvent+",", c.events-1) + benchEvent + "]")
			}
			benchHTTP(b, c.handler, body)
			b.ReportMetric(float64(b.N*c.events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func benchHTTP(b *testing.B, handler http.Handler, body []byte) {
	server := httptest.NewServer(handler)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := postOnce(client, server.URL+"/v1/events?measurement_id=G-UTC", body); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func postOnce(client *http.Client, url string, body []byte) error {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", benchAgent)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

// BenchmarkManyStreams: every event names another stream, none of which exists.
func BenchmarkManyStreams(b *testing.B) {
	for _, events := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(events), func(b *testing.B) {
			newBenchFixture(b).serve(b, "/g/collect?cid=c", eventsOfStreams(events, streamTooLong), events)
		})
	}
}

// streamTooLong makes ids that no directory needs to ask for.
func streamTooLong(i int) string { return strings.Repeat("G", maxMeasurement) + fmt.Sprint(i) }

// eventsOfStreams returns the body of a tag with n events, each of the stream that is named.
func eventsOfStreams(n int, name func(i int) string) string {
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "en=a&tid=%s\n", name(i))
	}
	return body.String()
}
