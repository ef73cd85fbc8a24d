// Fuzz targets of the whole way from bytes to records: never a panic, never more
// memory than paid for, never an event over its limits, and a balanced ledger.
package collect

import (
	"net/http"
	"strings"
	"testing"

	"tidemark/internal/event"
)

// fuzzTargets are the ways in.
var fuzzTargets = []string{
	"/v1/events?measurement_id=G-UTC",
	"/mp/collect?measurement_id=G-UTC&api_secret=sesame",
	"/debug/mp/collect?measurement_id=G-UTC&api_secret=sesame",
	"/g/collect?tid=G-UTC&cid=c&en=e&",
}

func FuzzRequest(f *testing.F) {
	seeds := []string{
		`{"name":"a","params":{"value":1e400,"currency":"EUR","x":[1,{"y":2}]}}`,
		`[{"name":"a","time":1795435188000,"sent":"2026-11-23T12:00:00Z"},7,null,{"campaign":null}]`,
		"{\"name\":\"a\"}\n{\"name\n{\"name\":\"\xff\"}",
		`{"client_id":"c","timestamp_micros":1,"events":[{"name":"a","params":{"items":[{},{}],"session_id":5}}]}`,
		`{"client_id":"c","user_properties":{"a":{"value":1},"b":2},"device":{"language":"x"},"user_location":{},"events":[{}]}`,
		"en=a&ep.x=1&epn.y=2&pr1=idA~nmB~k0c~v0d&pr200=pr1e9~~&_et=-1\r\nen=b&_p=1&_s=2&cs=x&cn=y",
		"cid=&sid=%zz%&dl=%FF&gcs=G100&uam=x&up.a=b&upn.c=NaN",
	}
	for way := range fuzzTargets {
		for _, seed := range seeds {
			f.Add(uint8(way), seed, "sct=1&_ss=1", "", int64(1<<20))
		}
	}
	f.Add(uint8(0), "\x1f\x8b", "", "gzip", int64(1<<20))
	f.Add(uint8(0), "\x28\xb5\x2f\xfd", "", "zstd", int64(1<<30))
	f.Fuzz(func(t *testing.T, way uint8, body, query, encoding string, free int64) {
		x := newFixture(t, nil)
		x.memory.max = min(max(free, 0), 1<<30)
		r := newRequest(fuzzTargets[int(way)%len(fuzzTargets)], body)
		r.URL.RawQuery += "&" + query
		r.Header.Set("Content-Encoding", encoding)
		w := &countingWriter{header: make(http.Header)}
		x.handler.ServeHTTP(w, r)

		if used := x.memory.used.Load(); used != 0 {
			t.Errorf("%d bytes are still taken", used)
		}
		events := x.events(t)
		for _, e := range events {
			checkEvent(t, e)
		}
		counts := x.counts(t)
		if counts["property 101 accepted"]+counts["property 102 accepted"] != int64(len(events)) {
			t.Errorf("%d events, counts %v", len(events), counts)
		}
		if w.code >= 500 && len(counts) > 0 {
			t.Errorf("answered %d, counted %v", w.code, counts)
		}
	})
}

func newRequest(target, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://localhost"+target, strings.NewReader(body))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	r.RemoteAddr = "203.0.113.7:4711"
	return r
}

// checkEvent fails if e could not be an accepted event (V1, V2).
func checkEvent(t testing.TB, e *event.Event) {
	t.Helper()
	checkLimits(t, e)
	if e.EventTime > e.IngestTime || e.EventTime <= 0 {
		t.Errorf("EventTime %d, IngestTime %d (V1)", e.EventTime, e.IngestTime)
	}
	if e.Name == "" || e.Key == "" || e.ClientId == "" || e.Property == 0 || e.EngagementMs < 0 {
		t.Errorf("incomplete event %v", e)
	}
	if size := (&event.Record{Kind: &event.Record_Event{Event: e}}).SizeVT(); size > event.MaxEvent {
		t.Errorf("record of %d bytes", size)
	}
}

// countingWriter is the cheapest ResponseWriter.
type countingWriter struct {
	header http.Header
	code   int
	bytes  int
}

func (w *countingWriter) Header() http.Header { return w.header }

func (w *countingWriter) WriteHeader(code int) { w.code = code }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}
