// Fakes and helpers of this package's tests: a collector over an in-memory log,
// with two properties, a fixed clock and predictable keys.
package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/property"
)

// fakeRegistry knows properties 101 (UTC) and 102 (Kathmandu), one stream each.
type fakeRegistry struct {
	mu         sync.Mutex
	properties map[string]property.Property
	secrets    map[string]string
	changes    uint64
	asked      int
	err        error
}

func newFakeRegistry() *fakeRegistry {
	return &fakeRegistry{
		properties: map[string]property.Property{
			"G-UTC":       {ID: 101, TimeZone: "UTC", Currency: "USD", SessionTimeout: 30 * time.Minute, Version: 1},
			"G-KATHMANDU": {ID: 102, TimeZone: "Asia/Kathmandu", Currency: "NPR", SessionTimeout: 30 * time.Minute, Version: 1},
		},
		secrets: map[string]string{"G-UTC": "sesame", "G-KATHMANDU": "himal"},
	}
}

func (f *fakeRegistry) PropertyOfStream(_ context.Context, id string) (property.Property, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.err != nil {
		return property.Property{}, f.err
	}
	p, ok := f.properties[id]
	if !ok {
		return p, fmt.Errorf("stream %s: %w", id, property.ErrNotFound)
	}
	return p, nil
}

func (f *fakeRegistry) CheckAPISecret(_ context.Context, id, secret string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.err == nil && f.secrets[id] == secret, f.err
}

func (f *fakeRegistry) Changes(context.Context) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes, nil
}

// change runs what another process would do to the registry.
func (f *fakeRegistry) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	f.changes++
}

func (f *fakeRegistry) questions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// fakeSalts makes each day's salt of its name.
type fakeSalts struct{}

func (fakeSalts) Salt(_ context.Context, day string, _ time.Time) ([]byte, error) {
	return []byte("salt of " + day), nil
}

// bench is a collector with its surroundings.
type fixture struct {
	*Collector
	log      eventlog.Log
	registry *fakeRegistry
	handler  http.Handler
	logged   bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newFixture(t testing.TB, change func(*Config, *Deps)) *fixture {
	t.Helper()
	f := &fixture{registry: newFakeRegistry(), now: noon}
	logger := slog.New(slog.NewTextHandler(&f.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := DefaultConfig()
	cfg.TickInterval = time.Hour
	deps := Deps{
		Log: memlog.New(memlog.Config{Partitions: 4}), Salts: fakeSalts{}, Clock: f.clock, Logger: logger,
		Geo: func(a netip.Addr) *event.Geo {
			if a == netip.MustParseAddr("203.0.113.7") {
				return &event.Geo{Country: "NZ", City: "Wellington", Source: "test"}
			}
			return nil
		},
		AddressVerdict: func(a netip.Addr) string {
			if a == netip.MustParseAddr("198.51.100.9") {
				return "datacenter@1"
			}
			return ""
		},
	}
	if change != nil {
		change(&cfg, &deps)
	}
	d := NewDirectory(DirectoryDeps{Registry: f.registry, Log: deps.Log, Clock: f.clock, Logger: logger})
	deps.Directory = d
	c, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	c.newKey = func() string {
		keys++
		return fmt.Sprintf("random-%d", keys)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	f.Collector, f.log, f.handler = c, deps.Log, c.Handler()
	return f
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) setClock(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t
}

// send sends one request as from 203.0.113.7.
func (f *fixture) send(method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr = "203.0.113.7:4711"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) post(target, body string, headers ...string) *httptest.ResponseRecorder {
	return f.send(http.MethodPost, target, strings.NewReader(body), headers...)
}

// records returns everything in the log from the given offsets on.
func (f *fixture) records(t testing.TB, from []event.Offset) []*event.Record {
	t.Helper()
	var out []*event.Record
	for p := range f.log.Partitions() {
		entries, err := f.log.Read(context.Background(), event.Partition(p), from[p], 1<<30, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			r := new(event.Record)
			if err := r.UnmarshalVT(e.Payload); err != nil {
				t.Fatal(err)
			}
			if ev := r.GetEvent(); ev != nil {
				want := event.PartitionOf(event.PropertyID(ev.Property), ev.ClientId, f.log.Partitions())
				if want != event.Partition(p) {
					t.Errorf("event is in partition %d, want %d (S1)", p, want)
				}
			}
			out = append(out, r)
		}
	}
	return out
}

func (f *fixture) ends() []event.Offset {
	ends := make([]event.Offset, f.log.Partitions())
	for p := range ends {
		ends[p] = f.log.End(event.Partition(p))
	}
	return ends
}

// events returns all events in the log, in the order of IngestTime and index.
func (f *fixture) events(t testing.TB) []*event.Event {
	t.Helper()
	return eventsOf(f.records(t, make([]event.Offset, f.log.Partitions())))
}

func eventsOf(records []*event.Record) []*event.Event {
	var out []*event.Event
	for _, r := range records {
		if e := r.GetEvent(); e != nil {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *event.Event) int {
		if a.IngestTime != b.IngestTime {
			return int(a.IngestTime - b.IngestTime)
		}
		return int(a.Index) - int(b.Index)
	})
	return out
}

// counts returns the ledger as text, sorted.
func (f *fixture) counts(t testing.TB) map[string]int64 {
	t.Helper()
	counts, err := f.log.Counts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]int64)
	for _, c := range counts {
		reason := string(c.Reason)
		if reason == "" {
			reason = "accepted"
		}
		out[fmt.Sprintf("property %d %s", c.Property, reason)] += c.N
	}
	return out
}

// describe prints the fields of e that are set, one a line.
func describe(m protoreflect.Message, indent string) string {
	var b strings.Builder
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		v := m.Get(field)
		switch {
		case field.IsList():
			for i := range v.List().Len() {
				p := v.List().Get(i).Message().Interface().(*event.Param)
				fmt.Fprintf(&b, "%s%s %s = %s\n", indent, field.Name(), p.Key, paramText(p))
			}
		case field.Message() != nil:
			fmt.Fprintf(&b, "%s%s:\n%s", indent, field.Name(), describe(v.Message(), indent+"  "))
		case field.Name() == "event_time" || field.Name() == "ingest_time":
			fmt.Fprintf(&b, "%s%s: %s\n", indent, field.Name(), event.Time(v.Int()))
		case field.Enum() != nil:
			fmt.Fprintf(&b, "%s%s: %s\n", indent, field.Name(), field.Enum().Values().ByNumber(v.Enum()).Name())
		case field.Kind() == protoreflect.StringKind:
			fmt.Fprintf(&b, "%s%s: %q\n", indent, field.Name(), v.String())
		default:
			fmt.Fprintf(&b, "%s%s: %v\n", indent, field.Name(), v)
		}
	}
	return b.String()
}

func paramText(p *event.Param) string {
	switch p.Value.(type) {
	case *event.Param_Text:
		return fmt.Sprintf("%q", p.Text())
	case *event.Param_Number:
		return "number " + p.Text()
	case *event.Param_Integer:
		return "integer " + p.Text()
	}
	return "boolean " + p.Text()
}
