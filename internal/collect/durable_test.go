// Promises D1, D6 and D10 and rule S37: what is answered, what is counted, and
// what is never kept.
package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

// failingLog fails appends that hold events or counts while err is set.
type failingLog struct {
	eventlog.Log
	err     error
	batches []eventlog.Batch
}

func (l *failingLog) Append(ctx context.Context, b *eventlog.Batch) error {
	l.batches = append(l.batches, eventlog.Batch{
		Records: append([]eventlog.Record(nil), b.Records...),
		Counts:  append([]eventlog.Count(nil), b.Counts...),
	})
	if l.err != nil {
		return l.err
	}
	return l.Log.Append(ctx, b)
}

func newFailingFixture(t *testing.T) (*fixture, *failingLog) {
	var l *failingLog
	f := newFixture(t, func(_ *Config, d *Deps) {
		l = &failingLog{Log: d.Log}
		d.Log = l
	})
	return f, l
}

func TestD1NothingIsAnswered2xxWhenTheAppendFails(t *testing.T) {
	requests := map[string]string{
		"/v1/events?measurement_id=G-UTC":                     `{"name":"a","client_id":"c"}`,
		"/v1/events?measurement_id=G-NOBODY":                  `{"name":"a","client_id":"c"}`,
		"/v1/events?measurement_id=G-UTC&x=unreadable":        `nothing`,
		"/mp/collect?measurement_id=G-UTC&api_secret=sesame":  `{"client_id":"c","events":[{"name":"a"}]}`,
		"/mp/collect?measurement_id=G-UTC&api_secret=refused": `{"client_id":"c","events":[{"name":"a"}]}`,
		"/g/collect?tid=G-UTC&cid=c&en=a":                     ``,
	}
	for _, failure := range []error{eventlog.ErrFull, eventlog.ErrUnknown, eventlog.ErrClosed, errors.New("disk")} {
		f, l := newFailingFixture(t)
		l.err = failure
		for target, body := range requests {
			w := f.post(target, body)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
				w.Header().Get("Access-Control-Expose-Headers") != "Retry-After" {
				t.Errorf("%v: %s: got %d, headers %v; want 503 with a Retry-After that pages can read",
					failure, target, w.Code, w.Header())
			}
		}
		if got := f.counts(t); len(got) != 0 {
			t.Errorf("%v: counted %v, want nothing", failure, got)
		}
	}
}

// TestD1TheAnswerSaysWhatIsKnown: after ErrUnknown the events may be there, and
// only the sender's keys make it harmless to send them again.
func TestD1TheAnswerSaysWhatIsKnown(t *testing.T) {
	const nothing, perhaps = "Nothing of the request was kept.", "may have been kept"
	for _, c := range []struct {
		failure   error
		want, not string
	}{
		{eventlog.ErrFull, nothing, perhaps},
		{eventlog.ErrClosed, nothing, perhaps},
		{fmt.Errorf("sync: %w", eventlog.ErrUnknown), perhaps, nothing},
		{&eventlog.PartialError{Durable: []bool{true}, Err: eventlog.ErrFull}, perhaps, nothing},
		{fmt.Errorf("%w: %w", eventlog.ErrUnknown, eventlog.ErrClosed), perhaps, nothing},
	} {
		f, l := newFailingFixture(t)
		l.err = c.failure
		body := f.post("/v1/events?measurement_id=G-UTC", `{"name":"a","client_id":"c","key":"k"}`).Body.String()
		if !strings.Contains(body, c.want) || strings.Contains(body, c.not) {
			t.Errorf("%v: got %s", c.failure, body)
		}
		if c.want == perhaps && !strings.Contains(body, "same event keys") {
			t.Errorf("%v: the answer does not say how to send again: %s", c.failure, body)
		}
	}
}

func TestS37OneRequestIsOneBatchWithItsRefusals(t *testing.T) {
	f, l := newFailingFixture(t)
	f.post("/v1/events?measurement_id=G-UTC", `{"name":"warm up: the definition","client_id":"c"}`)
	l.batches = nil
	f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a","client_id":"c"},{"client_id":"c"},{"name":"b","client_id":"d"}]`)
	if len(l.batches) != 1 {
		t.Fatalf("got %d batches, want 1", len(l.batches))
	}
	// What was accepted is counted where its records are: a log may commit each partition by itself.
	got := l.batches[0]
	refused, in := int64(0), map[event.Partition]int64{}
	for _, c := range got.Counts {
		if c.Reason == "" {
			in[c.Partition] += c.N
		} else {
			refused += c.N
		}
	}
	for _, r := range got.Records {
		in[r.Partition]--
	}
	for p, n := range in {
		if n != 0 {
			t.Errorf("partition %d: %d more events counted than there are records", p, n)
		}
	}
	if len(got.Records) != 2 || refused != 1 {
		t.Errorf("got %d records and %v, want 2 records and 1 refusal", len(got.Records), got.Counts)
	}
}

func TestD6ReceivedIsAcceptedPlusRefused(t *testing.T) {
	f := newFixture(t, nil)
	f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a"},{"name":""},3,{"name":"b"}]`)
	f.post("/v1/events?measurement_id=G-UTC", `broken`)
	f.post("/mp/collect?measurement_id=G-UTC&api_secret=no", `{"client_id":"c","events":[{"name":"a"},{"name":"b"}]}`)
	var sum int64
	for _, n := range f.counts(t) {
		sum += n
	}
	if sum != 7 {
		t.Errorf("got %d events in the ledger, want 7: %v", sum, f.counts(t))
	}
	if got := int64(len(f.events(t))); got != f.counts(t)["property 101 accepted"] {
		t.Errorf("%d events in the log, the ledger has %v", got, f.counts(t))
	}
}

// TestC5DefinitionsGoIntoAFullLog, so that the property is known to every
// partition whenever there is room for its events.
func TestC5DefinitionsGoIntoAFullLog(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) {
		d.Log = memlog.New(memlog.Config{Partitions: 4, MaxBytes: 1})
	})
	if w := f.post("/v1/events?measurement_id=G-UTC", `{"name":"a"}`); w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d for an event, want 503", w.Code)
	}
	for p := range f.log.Partitions() {
		if got := f.log.End(event.Partition(p)); got != 1 {
			t.Errorf("partition %d has %d records, want the definition", p, got)
		}
	}
}

func TestC5DefinitionIsInEveryPartitionBeforeTheFirstEvent(t *testing.T) {
	f := newFixture(t, nil)
	for range 3 {
		f.post("/v1/events?measurement_id=G-UTC", `{"name":"a"}`)
	}
	for p := range f.log.Partitions() {
		entries, err := f.log.Read(context.Background(), event.Partition(p), 0, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		definitions := 0
		for i, entry := range entries {
			r := new(event.Record)
			if err := r.UnmarshalVT(entry.Payload); err != nil {
				t.Fatal(err)
			}
			if d := r.GetDefinition(); d != nil {
				definitions++
				if i != 0 || d.Property != 101 || d.TimeZone != "UTC" || d.SessionTimeoutMs != 30*60*1000 {
					t.Errorf("partition %d, record %d: definition %v", p, i, d)
				}
			}
		}
		if definitions != 1 {
			t.Errorf("partition %d has %d definitions, want 1", p, definitions)
		}
	}
}

// TestD10NoAddressIsKeptOrLogged sends from addresses that it then looks for in
// every byte of the log and of the log lines, also when things fail.
func TestD10NoAddressIsKeptOrLogged(t *testing.T) {
	f, l := newFailingFixture(t)
	targets := map[string]string{
		"/v1/events?measurement_id=G-UTC":                    `{"name":"a"}`,
		"/v1/events?measurement_id=G-NOBODY":                 `{"name":"a"}`,
		"/g/collect?tid=G-UTC&cid=c&en=a&gcs=G100":           ``,
		"/mp/collect?measurement_id=G-UTC&api_secret=sesame": `{"client_id":"c","ip_override":"203.0.113.7","events":[{"name":"a"}]}`,
	}
	for _, failure := range []error{nil, eventlog.ErrUnknown} {
		l.err = failure
		for target, body := range targets {
			f.post(target, body, "X-Forwarded-For", "203.0.113.7")
		}
	}
	f.registry.change(func() { f.registry.err = errors.New("registry is down") })
	f.post("/v1/events?measurement_id=G-OTHER", `{"name":"a"}`)

	kept := f.logged.String()
	for _, b := range l.batches {
		for _, r := range b.Records {
			kept += string(r.Payload)
		}
	}
	if !strings.Contains(f.logged.String(), "events were not appended") {
		t.Fatal("the failures were not logged: this test sees nothing")
	}
	// As text, as four bytes, and as the sixteen of its mapped form.
	for _, form := range []string{"203.0.113", "\xcb\x00\x71\x07", "\x07\x71\x00\xcb"} {
		if strings.Contains(kept, form) {
			t.Errorf("the client's address is kept as %q", form)
		}
	}
}

// contextLog fails appends whose context has ended, as a log that waits may.
type contextLog struct{ eventlog.Log }

func (l contextLog) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Log.Append(ctx, b)
}

func TestABeaconOfAPageThatIsGoneIsKept(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Log = contextLog{d.Log} })
	gone, leave := context.WithCancel(context.Background())
	leave()
	w := &countingWriter{header: make(http.Header)}
	f.handler.ServeHTTP(w, newRequest("/v1/events?measurement_id=G-UTC", `{"name":"a"}`).WithContext(gone))
	if w.code != http.StatusOK || len(f.events(t)) != 1 {
		t.Errorf("answered %d, %d events in the log; want 200 and 1", w.code, len(f.events(t)))
	}
}

func TestAcceptedEventsAreToldOnceTheyAreDurable(t *testing.T) {
	var told []string
	var l *failingLog
	f := newFixture(t, func(_ *Config, d *Deps) {
		l = &failingLog{Log: d.Log}
		d.Log = l
		d.OnAccepted = func(events []*event.Event) {
			for _, e := range events {
				told = append(told, e.Name)
			}
		}
	})
	f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a"},{"name":""},{"name":"b"}]`)
	f.post("/v1/events?measurement_id=G-UTC", `{"name":""}`)
	l.err = eventlog.ErrFull
	f.post("/v1/events?measurement_id=G-UTC", `{"name":"c"}`)
	if got := strings.Join(told, " "); got != "a b" {
		t.Errorf("told of %q, want a b", got)
	}
}

func TestS10ASaltThatIsGoneGivesAnIDThatNobodyCanLink(t *testing.T) {
	f := newFixture(t, nil)
	f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a","time":"2026-11-01T12:00:00Z"},{"name":"b","time":"2026-11-01T12:00:00Z"}]`)
	events := f.events(t)
	if len(events) != 2 || events[0].ClientId == events[1].ClientId || !events[0].Cookieless {
		t.Errorf("got %v, want two events of different clients", events)
	}
}

func TestS38OverridesWithoutASecretAreIgnored(t *testing.T) {
	f := newFixture(t, nil)
	f.send(http.MethodPost, "/v1/events?measurement_id=G-UTC",
		strings.NewReader(`{"name":"a","ip_override":"198.51.100.9","user_location":{"country_id":"XX"}}`))
	e := f.events(t)[0]
	if e.Geo.GetCountry() != "NZ" || e.AddressVerdict != "" {
		t.Errorf("got %v %q, want the connection's place", e.Geo, e.AddressVerdict)
	}
}
