// What the stream promises: the same again, in order, at its rate, and with
// the shares of Mix.
package traffic

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
)

func take(t testing.TB, cfg Config) []Sent {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all []Sent
	for {
		sent, ok := s.Next()
		if !ok {
			return all
		}
		all = append(all, sent)
	}
}

func day(rate float64) Config {
	cfg := DefaultConfig()
	cfg.Rate, cfg.Span = rate, 24*time.Hour
	return cfg
}

func TestF1SameConfigGivesTheSameEvents(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 2000
	a, b := take(t, cfg), take(t, cfg)
	opts := []cmp.Option{protocmp.Transform(), cmp.Comparer(func(x, y Sent) bool {
		return string(x.AppendRecord(nil)) == string(y.AppendRecord(nil)) &&
			cmp.Equal(x.Event, y.Event, protocmp.Transform())
	})}
	if diff := cmp.Diff(a, b, opts...); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	cfg.Seed++
	if c := take(t, cfg); string(a[0].AppendRecord(nil)) == string(c[0].AppendRecord(nil)) {
		t.Error("another seed gives the same first event")
	}
}

func TestF2EventsArriveInOrderAndAfterTheyHappened(t *testing.T) {
	overtaken, before := 0, map[string]event.Time{}
	last := event.Time(0)
	for i, s := range take(t, day(1)) {
		e := s.Event
		if s.At < last || s.At != event.Time(e.IngestTime) {
			t.Fatalf("event %d arrives at %v (IngestTime %v) after one at %v", i, s.At, event.Time(e.IngestTime), last)
		}
		last = s.At
		if e.EventTime > e.IngestTime || e.EventTime%1000 != 0 {
			t.Fatalf("event %d: EventTime %d, IngestTime %d", i, e.EventTime, e.IngestTime)
		}
		if event.Time(e.EventTime) < before[e.ClientId] {
			overtaken++
		}
		before[e.ClientId] = event.Time(e.EventTime)
	}
	if overtaken == 0 {
		t.Error("no event was overtaken by a later one of its client")
	}
}

func TestF3CopiesRepeatAnEarlierEvent(t *testing.T) {
	seen := map[string]*event.Event{}
	copies := 0
	for _, s := range take(t, day(1)) {
		first, known := seen[s.Event.Key]
		if known != s.IsCopy {
			t.Fatalf("key %s: sent before: %v, IsCopy: %v", s.Event.Key, known, s.IsCopy)
		}
		seen[s.Event.Key] = s.Event
		if !known {
			continue
		}
		copies++
		if diff := cmp.Diff(first, s.Event, protocmp.Transform(),
			protocmp.IgnoreFields(&event.Event{}, "ingest_time")); diff != "" {
			t.Fatalf("copy differs:\n%s", diff)
		}
	}
	if copies == 0 {
		t.Error("no copies")
	}
}

func TestStreamKeepsItsRateAndShares(t *testing.T) {
	cfg := day(8)
	all := take(t, cfg)
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance*want {
			t.Errorf("%s is %.4f, want about %.4f", what, got, want)
		}
	}
	n := float64(len(all))
	near("rate", n/(24*3600), cfg.Rate, 0.1)
	count := func(holds func(Sent) bool) float64 {
		sum := 0
		for _, s := range all {
			if holds(s) {
				sum++
			}
		}
		return float64(sum) / n
	}
	big := uint64(cfg.Properties[0].ID)
	near("share of copies", count(func(s Sent) bool { return s.IsCopy }), cfg.Mix.Copies, 0.2)
	near("share of the big property", count(func(s Sent) bool { return s.Event.Property == big }), 0.5, 0.15)
	near("share of MP", count(func(s Sent) bool { return s.Protocol == MeasurementProtocol }), cfg.Mix.MeasurementProt, 0.2)
	near("share of cookieless", count(func(s Sent) bool { return s.Event.Cookieless }), 0.44, 0.15)
	near("share of too late", count(func(s Sent) bool { return event.TooLate(s.Event) }), cfg.Mix.TooLate, 0.5)
	near("share of late", count(func(s Sent) bool {
		return s.At.Sub(event.Time(s.Event.EventTime)) > 4*time.Minute
	}), cfg.Mix.Late, 0.3)
	if count(func(s Sent) bool { return s.Event.Name == "purchase" && s.Event.HasValue }) == 0 {
		t.Error("no purchases with a value")
	}
	if count(func(s Sent) bool { return s.Event.Sessionless }) == 0 {
		t.Error("no sessionless events")
	}
}

func TestS10CookielessClientHasOneIDPerLocalDay(t *testing.T) {
	cfg := day(3)
	type key struct {
		day, agent, address string
		property            uint64
	}
	ids := map[key]string{}
	zones := map[uint64]*time.Location{}
	for _, p := range cfg.Properties {
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		zones[uint64(p.ID)] = zone
	}
	for _, s := range take(t, cfg) {
		e := s.Event
		if !e.Cookieless || s.IsCopy {
			continue
		}
		local := event.Time(e.EventTime).Std().In(zones[e.Property]).Format(time.DateOnly)
		k := key{local, e.UserAgent, s.Address.String(), e.Property}
		if id, known := ids[k]; known && id != e.ClientId {
			t.Fatalf("%v has ids %s and %s", k, id, e.ClientId)
		}
		ids[k] = e.ClientId
	}
	if len(ids) == 0 {
		t.Error("no cookieless clients")
	}
}

func TestPropertyShowsItsOwnPages(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 500
	cfg.Properties = cfg.Properties[:1]
	cfg.Properties[0].Pages = []Page{
		{Path: "/", Title: "Start"}, {Path: "/mug", Title: "Mug", Item: "mug", Category: "galley", PriceMicros: 14e6},
	}
	items := 0
	for _, s := range take(t, cfg) {
		path, _, _ := strings.Cut(strings.TrimPrefix(s.Event.Url, "https://shop.example"), "?")
		if (path != "/" || s.Event.Title != "Start") && (path != "/mug" || s.Event.Title != "Mug") {
			t.Fatalf("page %s, title %q", s.Event.Url, s.Event.Title)
		}
		if p := event.FindParam(s.Event, "item_id"); p != nil {
			items++
			if p.Text() != "mug" || s.Event.ValueMicros != 14e6 {
				t.Fatalf("item %q for %d", p.Text(), s.Event.ValueMicros)
			}
		}
	}
	if items == 0 {
		t.Error("nobody looked at an item")
	}
}

func TestS23ProgramsAreTheOnesWithAVerdict(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 5000
	cfg.Mix.Programs = 0.3
	d, bots := enrich.NewDeriver(enrich.DefaultConfig()), 0
	for _, s := range take(t, cfg) {
		var f enrich.Facts
		d.Derive(s.Event, nil, &f)
		if s.IsBot != (f.Verdict != "") {
			t.Fatalf("user agent %q: IsBot %v, verdict %q", s.Event.UserAgent, s.IsBot, f.Verdict)
		}
		if s.IsBot {
			bots++
		} else if f.Browser == "(not set)" || f.Category == "(not set)" || f.OS == "(not set)" {
			t.Fatalf("user agent %q says nothing: %+v", s.Event.UserAgent, f)
		}
	}
	if bots == 0 {
		t.Error("no programs")
	}
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no properties": func(c *Config) { c.Properties = nil },
		"no rate":       func(c *Config) { c.Rate = 0 },
		"no pages":      func(c *Config) { c.Pages = 0 },
		"no start":      func(c *Config) { c.Start = time.Time{} },
		"bad zone":      func(c *Config) { c.Properties[0].Zone = "Nowhere/Land" },
		"no host":       func(c *Config) { c.Properties[0].Host = "" },
	} {
		cfg := DefaultConfig()
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New returned no error", name)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Rate = 2000
	s, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for range 200_000 { // until as many sessions end as begin
		s.Next()
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Next()
	}
}

func BenchmarkAppendNative(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Events = 1000
	all := take(b, cfg)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = all[i%len(all)].AppendNative(buf[:0], true)
	}
}
