// The oracle on small examples that were worked out by hand.
package oracle

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/store"
)

// at returns a minute of 2 March 2026, UTC.
func at(minute int) event.Time {
	return event.TimeOf(time.Date(2026, 3, 2, 10, minute, 0, 0, time.UTC))
}

// view is a page view at a minute, arriving at once.
func view(client, key, path string, minute int) *event.Event {
	return &event.Event{
		Property: 1, ClientId: client, Key: key, Name: "page_view", Url: "https://shop.example" + path,
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		EventTime: int64(at(minute)), IngestTime: int64(at(minute)),
	}
}

func folded(events ...*event.Event) *Oracle {
	o := New()
	records := []*event.Record{{Kind: &event.Record_Definition{Definition: &event.Definition{
		Property: 1, Version: 1, TimeZone: "UTC", Currency: "USD", SessionTimeoutMs: 1_800_000, ChannelRules: "ga4@2026",
	}}}}
	for _, e := range events {
		records = append(records, &event.Record{Kind: &event.Record_Event{Event: e}})
	}
	o.Fold(records)
	return o
}

func ask(t *testing.T, o *Oracle, dims, metrics string) []report.Row {
	t.Helper()
	day := report.Day{Year: 2026, Month: 3, Day: 2}
	q := &report.Query{Property: property.Property{ID: 1, TimeZone: "UTC"}, Ranges: []report.DateRange{{Start: day, End: day}}}
	for _, d := range strings.Fields(dims) {
		q.Dimensions = append(q.Dimensions, report.DimensionRef{Name: d})
	}
	for _, m := range strings.Fields(metrics) {
		q.Metrics = append(q.Metrics, report.MetricRef{Name: m})
	}
	r, err := o.Answer(q)
	if err != nil {
		t.Fatal(err)
	}
	return r.Rows
}

func wantNumbers(t *testing.T, rows []report.Row, want ...float64) {
	t.Helper()
	if len(rows) != 1 || !slices.Equal(rows[0].Metrics, want) {
		t.Errorf("got %v, want one row of %v", rows, want)
	}
}

func TestGapDecidesSessionsS12(t *testing.T) {
	o := folded(view("a", "1", "/", 0), view("a", "2", "/", 29), view("a", "3", "/", 59))
	// 29 minutes join, 30 do not: two sessions, of 29 and 0 minutes.
	wantNumbers(t, ask(t, o, "", "sessions averageSessionDuration"), 2, 29*60/2.0)
}

func TestCopiesCountOnceS7(t *testing.T) {
	again := view("a", "1", "/", 0)
	again.IngestTime += time.Hour.Microseconds()
	o := folded(view("a", "1", "/", 0), again)
	wantNumbers(t, ask(t, o, "", "eventCount"), 1)
	if l := o.Ledger(1); l.Stored != 1 || l.Duplicate != 1 || !l.Balanced() {
		t.Errorf("ledger: %+v", l)
	}
}

func TestTooLateIsInNoReportS3(t *testing.T) {
	late := view("a", "1", "/", 0)
	late.IngestTime += event.AllowedLateness.Microseconds() + 1
	just := view("b", "1", "/", 0)
	just.IngestTime += event.AllowedLateness.Microseconds()
	o := folded(late, just)
	wantNumbers(t, ask(t, o, "", "eventCount"), 1)
	if l := o.Ledger(1); l.TooLate != 1 || l.Stored != 1 {
		t.Errorf("ledger: %+v", l)
	}
}

func TestFirstAndLastFollowEventTimeNotArrivalS4(t *testing.T) {
	rows := ask(t, folded(view("a", "2", "/second", 5), view("a", "1", "/first", 0)), "landingPage", "sessions")
	if len(rows) != 1 || rows[0].Dimensions[0] != "/first" {
		t.Errorf("landing pages: %v, want /first", rows)
	}
}

func TestDirectSessionInheritsSourceS17(t *testing.T) {
	first := view("a", "1", "/", 0)
	first.Referrer = "https://birds.example.org/"
	rows := ask(t, folded(first, view("a", "2", "/", 50)), "sessionSource", "sessions")
	if len(rows) != 1 || rows[0].Dimensions[0] != "birds.example.org" || rows[0].Metrics[0] != 2 {
		t.Errorf("sources: %v, want two sessions of birds.example.org", rows)
	}
}

func TestUnknownNamesAreErrorsWithoutData(t *testing.T) {
	for _, q := range []*report.Query{
		{Dimensions: []report.DimensionRef{{Name: "pagePaht"}}},
		{Metrics: []report.MetricRef{{Name: "sesions"}}},
		{DimensionFilter: &report.Filter{Field: &report.FieldFilter{Name: "x", Match: store.Exact, Values: []string{"y"}}}},
		{MetricFilter: &report.Filter{Field: &report.FieldFilter{Name: "sessions", Match: store.NumEqual, Numbers: []float64{1}}}},
		{Order: []report.OrderBy{{Metric: "sessions"}}},
	} {
		day := report.Day{Year: 2026, Month: 3, Day: 2}
		q.Property = property.Property{ID: 1, TimeZone: "UTC"}
		q.Ranges = []report.DateRange{{Start: day, End: day}}
		if _, err := New().Answer(q); err == nil {
			t.Errorf("no error for %+v", q)
		}
	}
}

// fold makes equal what strings.EqualFold calls equal, and nothing else (S36).
func TestFoldAgreesWithEqualFoldS36(t *testing.T) {
	letters := []rune("aAkK\u212asS\u017fßẞiIİıäÄσςΣ1")
	text := rapid.StringOfN(rapid.SampledFrom(letters), 0, 4, -1)
	rapid.Check(t, func(rt *rapid.T) {
		a, b := text.Draw(rt, "a"), text.Draw(rt, "b")
		if got, want := fold(a) == fold(b), strings.EqualFold(a, b); got != want {
			rt.Fatalf("fold(%q) == fold(%q): got %v, want %v", a, b, got, want)
		}
	})
}
