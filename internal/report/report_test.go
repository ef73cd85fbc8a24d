// Reports over a handful of rows whose answers can be counted by hand.
package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// harbour is the traffic of most tests: three clients, four sessions, on 2 and 3 March in Berlin.
//
//	ann   s1  2 March 23:59 /a, 3 March 00:01 /B, engaged, 2 min, source google
//	ben   s2  3 March 10:00 /a then /A?x=1, engaged, 30 s, direct
//	ben   s3  3 March 15:00 /b, bounced, direct
//	cleo  s4  3 March 12:00 /a, marked as a bot
//	ann   outside sessions: 3 March 18:00 purchase of 9.99
func harbour() *fakeStore {
	at := func(s string) time.Time {
		loc, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			panic(err)
		}
		t, err := time.ParseInLocation("2006-01-02 15:04", "2026-03-"+s, loc)
		if err != nil {
			panic(err)
		}
		return t
	}
	page := func(path, query string) map[store.Column]string {
		return map[store.Column]string{store.ColName: "page_view", store.ColHost: "harbour.example",
			store.ColPath: path, store.ColQuery: query}
	}
	from := func(source, medium, landing string) map[store.Column]string {
		return map[store.Column]string{store.ColSource: source, store.ColMedium: medium, store.ColLandingPath: landing}
	}
	return &fakeStore{
		events: []fakeEvent{
			{at: at("02 23:59"), client: "ann", session: "s1", text: page("/a", ""), view: true, active: true, first: true},
			{at: at("03 00:01"), client: "ann", session: "s1", text: page("/B", ""), view: true, active: true, ms: 1500},
			{at: at("03 10:00"), client: "ben", session: "s2", text: page("/a", ""), view: true, active: true, first: true},
			{at: at("03 10:00"), client: "ben", session: "s2", text: page("/A", "x=1"), view: true, ms: 250},
			{at: at("03 15:00"), client: "ben", session: "s3", text: page("/b", ""), view: true,
				params: map[string]string{"plan": "Gold"}},
			{at: at("03 12:00"), client: "cleo", session: "s4", text: page("/a", ""), view: true, active: true, verdict: "bot@1"},
			{at: at("03 18:00"), client: "ann", text: map[store.Column]string{store.ColName: "purchase"}, key: true, micros: 9_990_000},
		},
		sessions: map[string]fakeSession{
			"s1": {start: at("02 23:59"), engaged: true, lasted: 2 * time.Minute, text: from("google", "organic", "/a")},
			"s2": {start: at("03 10:00"), engaged: true, lasted: 30 * time.Second, text: from("(direct)", "(none)", "/a")},
			"s3": {start: at("03 15:00"), text: from("(direct)", "(none)", "/b")},
			"s4": {start: at("03 12:00"), text: from("(direct)", "(none)", "/a"), verdict: "bot@1"},
		},
	}
}

func engineOver(t testing.TB, s store.Store) *Engine {
	t.Helper()
	e, err := New(DefaultConfig(), Deps{Store: s, Freshness: fakeFreshness{}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func march(first, last int) []DateRange {
	return []DateRange{{Start: Day{2026, time.March, first}, End: Day{2026, time.March, last}}}
}

// ask makes a query of space-separated names.
func ask(dimensions, metrics string, ranges []DateRange) *Query {
	q := &Query{Property: berlin(), Ranges: ranges}
	for _, d := range strings.Fields(dimensions) {
		q.Dimensions = append(q.Dimensions, DimensionRef{Name: d})
	}
	for _, m := range strings.Fields(metrics) {
		q.Metrics = append(q.Metrics, MetricRef{Name: m})
	}
	return q
}

func run(t *testing.T, s *fakeStore, q *Query) *Result {
	t.Helper()
	results, err := engineOver(t, s).Run(t.Context(), []*Query{q})
	if err != nil {
		t.Fatal(err)
	}
	if s.held != 0 {
		t.Errorf("%d snapshots are still held", s.held)
	}
	return results[0]
}

func lines(rows []Row) []string {
	var out []string
	for _, r := range rows {
		line := strings.Join(r.Dimensions, " ")
		for _, m := range r.Metrics {
			line += fmt.Sprintf(" %v", m)
		}
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

func wantLines(t *testing.T, rows []Row, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(rows)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func TestEveryMetricIsComputedFromItsParts(t *testing.T) {
	for metric, want := range map[string]string{
		"activeUsers": "2", "totalUsers": "2", "newUsers": "2", "sessions": "3", "engagedSessions": "2",
		"engagementRate": "0.6666666666666666", "bounceRate": "0.3333333333333333", "averageSessionDuration": "50",
		"userEngagementDuration": "1.75", "screenPageViews": "5", "eventCount": "6", "keyEvents": "1",
		"eventValue": "9.99", "sessionsPerUser": "1.5", "screenPageViewsPerSession": "1.6666666666666667",
		"eventsPerSession": "2", "eventCountPerUser": "3", "screenPageViewsPerUser": "2.5",
	} {
		wantLines(t, run(t, harbour(), ask("", metric, march(2, 3))).Rows, want)
	}
}

func TestS19EventsCountOnTheirLocalDayAndS20SessionsOnTheDayTheyBegan(t *testing.T) {
	got := run(t, harbour(), ask("date", "eventCount sessions averageSessionDuration", march(1, 4)))
	wantLines(t, got.Rows, "20260303 5 2 15", "20260302 1 1 120")
}

func TestS21EventDimensionsCountSessionsOfTheMatchingEvents(t *testing.T) {
	got := run(t, harbour(), ask("pagePath", "sessions screenPageViews", march(2, 3)))
	wantLines(t, got.Rows, "/a 2 2", "/A 1 1", "/B 1 1", "/b 1 1")
	filtered := ask("date", "sessions", march(2, 3))
	filtered.DimensionFilter = field(FieldFilter{Name: "pagePath", Match: MatchExact, Values: []string{"/b"}})
	wantLines(t, run(t, harbour(), filtered).Rows, "20260303 2")
}

func TestS23RowsOfBotsCountOnlyWhenAskedFor(t *testing.T) {
	q := ask("", "sessions totalUsers", march(2, 3))
	wantLines(t, run(t, harbour(), q).Rows, "3 2")
	q.AllVerdicts = true
	wantLines(t, run(t, harbour(), q).Rows, "4 3")
}

func TestSeveralRangesGetAColumnAndTotalsOfTheirOwn(t *testing.T) {
	q := ask("landingPage", "sessions", append(march(3, 3), DateRange{Name: "before", Start: Day{2026, 3, 2}, End: Day{2026, 3, 2}}))
	q.Aggregations = []Aggregation{Total, Minimum, Maximum, CountRows}
	got := run(t, harbour(), q)
	if diff := cmp.Diff([]string{"landingPage", "dateRange"}, got.Dimensions); diff != "" {
		t.Error(diff)
	}
	wantLines(t, got.Rows, "/a before 1", "/a date_range_0 1", "/b date_range_0 1")
	wantLines(t, got.Totals, "2", "1")
	wantLines(t, got.Counts, "2", "1")
}

func TestTheDateRangeColumnStandsWhereItWasAskedFor(t *testing.T) {
	got := run(t, harbour(), ask("dateRange landingPage", "sessions", march(3, 3)))
	wantLines(t, got.Rows, "date_range_0 /a 1", "date_range_0 /b 1")
}

func TestTotalsOfUsersAreCountedApart(t *testing.T) {
	q := ask("pagePath", "totalUsers", march(2, 3))
	q.Aggregations = []Aggregation{Total, Minimum, Maximum}
	q.Limit = 1
	got := run(t, harbour(), q)
	wantLines(t, got.Rows, "/a 2")
	wantLines(t, got.Totals, "2")
	wantLines(t, got.Minimums, "1")
	wantLines(t, got.Maximums, "2")
	if got.RowCount != 5 {
		t.Errorf("row count is %d, want 5: all paths and (not set)", got.RowCount)
	}
}

func TestExpressionsMergeUsersAndSessionsWithoutCountingThemTwice(t *testing.T) {
	q := ask("x", "totalUsers sessions eventCount", march(2, 3))
	q.Dimensions[0].LowerCase = "pagePath"
	// /a: ann and ben, s1 and s2; /b: ann in s1, ben in s3.
	want := []string{"/a 2 2 3", "/b 2 2 2", "(not set) 1 0 1"}
	wantLines(t, run(t, harbour(), q).Rows, want...)

	q.Dimensions = append(q.Dimensions, DimensionRef{Name: "date"})
	wantLines(t, run(t, harbour(), q).Rows, "/b 20260303 2 2 2", "(not set) 20260303 1 0 1",
		"/a 20260302 1 1 1", "/a 20260303 1 1 2")
}

func TestConcatenateJoinsTexts(t *testing.T) {
	q := ask("x", "eventCount", march(2, 2))
	q.Dimensions[0] = DimensionRef{Name: "x", Concatenate: []string{"hostName", "pagePath"}, Delimiter: "|"}
	wantLines(t, run(t, harbour(), q).Rows, "harbour.example|/a 1")
}

func TestComposedDimensionsReadAsOneTextAndFilterAsOne(t *testing.T) {
	q := ask("pagePathPlusQueryString", "eventCount totalUsers", march(2, 3))
	q.DimensionFilter = field(FieldFilter{Name: "pagePathPlusQueryString", Match: MatchFullRegexp, Values: []string{`/a(\?x=\d)?`}})
	wantLines(t, run(t, harbour(), q).Rows, "/a 2 2", "/A?x=1 1 1")

	q = ask("sessionSourceMedium", "sessions", march(2, 3))
	q.DimensionFilter = &Filter{Not: field(FieldFilter{Name: "sessionSourceMedium", Match: MatchBeginsWith, Values: []string{"GOOGLE /"}})}
	wantLines(t, run(t, harbour(), q).Rows, "(direct) / (none) 2")

	q.DimensionFilter = field(FieldFilter{Name: "fullPageUrl", Match: MatchContains, Values: []string{"nowhere"}})
	wantLines(t, run(t, harbour(), q).Rows)
}

func TestCustomEventReadsAParam(t *testing.T) {
	q := ask("customEvent:plan", "eventCount", march(2, 3))
	wantLines(t, run(t, harbour(), q).Rows, "(not set) 5", "Gold 1")
	q.DimensionFilter = field(FieldFilter{Name: "customEvent:plan", Match: MatchIn, Values: []string{"gold", "silver"}})
	wantLines(t, run(t, harbour(), q).Rows, "Gold 1")
}

func TestMetricFilterHidesRowsAndLeavesTheTotal(t *testing.T) {
	q := ask("pagePath", "totalUsers eventCount", march(2, 3))
	q.Metrics[1].Invisible = true
	q.MetricFilter = &Filter{Or: []*Filter{
		field(FieldFilter{Name: "totalUsers", Match: MatchNumGreater, Numbers: []float64{1}}),
		field(FieldFilter{Name: "eventCount", Match: MatchNumBetween, Numbers: []float64{5, 9}}),
	}}
	q.Aggregations = []Aggregation{Total}
	got := run(t, harbour(), q)
	wantLines(t, got.Rows, "/a 2")
	wantLines(t, got.Totals, "2")
	if diff := cmp.Diff([]string{"totalUsers"}, got.Metrics); diff != "" {
		t.Error(diff)
	}
}

func TestRowsWithoutNumbersAreLeftOutUnlessKept(t *testing.T) {
	q := ask("pagePath", "keyEvents", march(2, 3))
	wantLines(t, run(t, harbour(), q).Rows, "(not set) 1")
	q.KeepEmptyRows = true
	wantLines(t, run(t, harbour(), q).Rows, "(not set) 1", "/A 0", "/B 0", "/a 0", "/b 0")
	wantLines(t, run(t, harbour(), ask("", "sessions", march(5, 6))).Rows)
}

func TestOrderIsByWhatIsAskedForThenByDimensions(t *testing.T) {
	for _, c := range []struct {
		name  string
		order []OrderBy
		want  string
	}{
		{"default is the first metric, largest first", nil, "/a /A /B /b"},
		{"bytes", []OrderBy{{Dimension: "pagePath"}}, "/A /B /a /b"},
		{"bytes, descending", []OrderBy{{Dimension: "pagePath", Desc: true}}, "/b /a /B /A"},
		{"folded", []OrderBy{{Dimension: "pagePath", Type: CaseInsensitiveAlphanumeric}}, "/A /a /B /b"},
		{"metric ascending", []OrderBy{{Metric: "screenPageViews"}}, "/A /B /b /a"},
	} {
		q := ask("pagePath", "screenPageViews", march(2, 3))
		q.Order = c.order
		var got []string
		for _, r := range run(t, harbour(), q).Rows {
			got = append(got, r.Dimensions[0])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.name, got, c.want)
		}
	}
}

func TestNumericOrderPutsWhatIsNoNumberFirst(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"9", "10", -1}, {"x", "-5", -1}, {"x", "y", 0}, {"1e2", "99", 1}} {
		if got := compareNumbers(c.a, c.b); got != c.want {
			t.Errorf("compareNumbers(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestOffsetAndLimitCutAfterOrdering(t *testing.T) {
	q := ask("pagePath", "screenPageViews", march(2, 3))
	q.Offset, q.Limit = 1, 2
	got := run(t, harbour(), q)
	wantLines(t, got.Rows, "/A 1", "/B 1")
	if got.RowCount != 4 {
		t.Errorf("row count is %d, want 4", got.RowCount)
	}
	q.Offset = 40
	wantLines(t, run(t, harbour(), q).Rows)
}

func TestS34RealtimeCountsWholeMinutesBeforeNow(t *testing.T) {
	s := harbour()
	now := s.events[1].at.Add(29*time.Minute + 59*time.Second) // 00:01 is 29 whole minutes ago, 23:59 is 31
	q := &Query{Property: berlin(), Now: now, Realtime: []MinuteRange{{StartMinutesAgo: 29}},
		Dimensions: []DimensionRef{{Name: "minutesAgo"}}, Metrics: []MetricRef{{Name: "eventCount"}}}
	wantLines(t, run(t, s, q).Rows, "29 1")
	q.Now = now.Add(time.Second)
	wantLines(t, run(t, s, q).Rows)
}

func TestQ1OneBatchIsAnsweredFromOneSnapshot(t *testing.T) {
	s := harbour()
	queries := []*Query{ask("date", "sessions totalUsers", march(2, 3)), ask("pagePath", "eventCount", march(2, 3))}
	if _, err := engineOver(t, s).Run(t.Context(), queries); err != nil {
		t.Fatal(err)
	}
	if s.taken != 1 {
		t.Errorf("%d snapshots were taken, want 1", s.taken)
	}
}

func TestQ2AnswersCarryFreshnessAndTheRestatementsOfTheirDays(t *testing.T) {
	old := Restatement{Why: "erased", From: Day{2026, 1, 1}, To: Day{2026, 1, 2}}
	near := Restatement{Why: "replayed", From: Day{2026, 3, 1}, To: Day{2026, 3, 2}}
	e, err := New(DefaultConfig(), Deps{Store: harbour(), Freshness: fakeFreshness{},
		Restatements: fakeRestatements{old, near}})
	if err != nil {
		t.Fatal(err)
	}
	results, err := e.Run(t.Context(), []*Query{ask("", "sessions", march(2, 3))})
	if err != nil {
		t.Fatal(err)
	}
	m := results[0].Meta
	if !m.Exact || m.ProcessedThrough != 100 || m.TimeZone != "Europe/Berlin" {
		t.Errorf("meta is %+v", m)
	}
	if len(m.Restatements) != 1 || m.Restatements[0].Why != "replayed" {
		t.Errorf("restatements are %+v, want the one of March", m.Restatements)
	}
}

func TestAnswersCarryWhatASharedStoreHasNotedOfTheirDaysS29(t *testing.T) {
	s := harbour()
	midnight := func(day int) event.Time { // in Berlin
		return event.TimeOf(time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC).Add(-time.Hour))
	}
	at := event.TimeOf(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	s.restated = map[event.PropertyID][]store.Restated{
		berlin().ID:     {{At: 1, From: midnight(7), To: midnight(8)}, {At: at, From: midnight(1), To: midnight(3)}},
		berlin().ID + 1: {{At: 2, From: midnight(1), To: midnight(9)}}}
	results, err := engineOver(t, s).Run(t.Context(), []*Query{ask("", "sessions", march(2, 3))})
	if err != nil {
		t.Fatal(err)
	}
	want := []Restatement{{At: at.Std(), Why: "erasure", From: Day{2026, 3, 1}, To: Day{2026, 3, 2}}}
	if diff := cmp.Diff(want, results[0].Meta.Restatements); diff != "" {
		t.Errorf("restatements (-want +got):\n%s", diff)
	}
}

func TestD8AnAnswerWithTooManyRowsIsAnErrorThatSaysSo(t *testing.T) {
	e, err := New(Config{MaxRows: 2, Concurrency: 1}, Deps{Store: harbour(), Freshness: fakeFreshness{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Run(t.Context(), []*Query{ask("pagePath", "eventCount", march(2, 3))})
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "dimensions" {
		t.Errorf("error is %v, want an InvalidError about dimensions", err)
	}
}

func TestErrorsOfTheStoreReachTheCaller(t *testing.T) {
	s := harbour()
	s.err = store.ErrResources
	_, err := engineOver(t, s).Run(t.Context(), []*Query{ask("", "eventCount", march(2, 3))})
	if !errors.Is(err, ErrResources) {
		t.Errorf("error is %v, want ErrResources", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engineOver(t, harbour()).Run(ctx, []*Query{ask("", "eventCount", march(2, 3))}); err == nil {
		t.Error("a cancelled query was answered")
	}
}

func field(f FieldFilter) *Filter { return &Filter{Field: &f} }
