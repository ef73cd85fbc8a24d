// Random and standard questions, and how two answers are compared.
package spec

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/store"
)

func dimensionNames() []string {
	return []string{
		"date", "hour", "dateHour", "yearMonth", "week", "yearWeek", "isoWeek", "dayOfWeekName", "nthDay", "nthWeek", "pagePath", "fullPageUrl", "pageTitle", "hostName", "landingPage", "eventName",
		"sessionSource", "sessionMedium", "sessionCampaignName", "sessionDefaultChannelGroup",
		"firstUserSource", "country", "countryId", "continent", "deviceCategory", "browser", "newVsReturning", "customEvent:colour", "currencyCode",
	}
}

func metricNames() []string {
	return []string{
		"activeUsers", "totalUsers", "newUsers", "sessions", "engagedSessions", "engagementRate", "bounceRate",
		"averageSessionDuration", "userEngagementDuration", "screenPageViews", "eventCount", "keyEvents", "eventValue", "purchaseRevenue", "totalRevenue", "transactions", "ecommercePurchases",
	}
}

// StandardQueries asks for every metric by each dimension, by day and in total,
// over all days of the traffic: two engines that agree on them agree on what
// the dashboard shows.
func StandardQueries(t Traffic) []*report.Query {
	first, last := t.days()
	var queries []*report.Query
	for _, p := range t.Properties {
		for _, d := range append([]string{""}, dimensionNames()...) {
			for _, part := range slices.Collect(slices.Chunk(metricNames(), 10)) {
				q := &report.Query{Property: p, Ranges: []report.DateRange{{Start: first, End: last}},
					Aggregations: []report.Aggregation{report.Total}}
				if d != "" {
					q.Dimensions = []report.DimensionRef{{Name: d}}
				}
				for _, m := range part {
					q.Metrics = append(q.Metrics, report.MetricRef{Name: m})
				}
				queries = append(queries, q)
			}
		}
	}
	return queries
}

// days returns the first and last day on which something can have happened
// anywhere on Earth.
func (t Traffic) days() (first, last report.Day) {
	least, most := event.Time(0), event.Time(0)
	for i, e := range t.Arrivals {
		at := event.Time(e.EventTime)
		if i == 0 {
			least, most = at, at
		}
		least, most = min(least, at), max(most, at)
	}
	return dayOf(least.Std().Add(-24 * time.Hour)), dayOf(most.Std().Add(24 * time.Hour))
}

func dayOf(t time.Time) report.Day {
	y, m, d := t.Date()
	return report.Day{Year: y, Month: m, Day: d}
}

// RandomQueries draws a few questions about the traffic.
func RandomQueries(rt *rapid.T, t Traffic) []*report.Query {
	var queries []*report.Query
	for range rapid.IntRange(1, 6).Draw(rt, "queries") {
		queries = append(queries, randomQuery(rt, t))
	}
	return queries
}

func randomQuery(rt *rapid.T, t Traffic) *report.Query {
	q := &report.Query{
		Property:    rapid.SampledFrom(t.Properties).Draw(rt, "property"),
		AllVerdicts: rarely(rt, "all verdicts"),
	}
	for _, d := range rapid.SliceOfNDistinct(rapid.SampledFrom(dimensionNames()), 0, 3, rapid.ID).Draw(rt, "dimensions") {
		q.Dimensions = append(q.Dimensions, report.DimensionRef{Name: d})
	}
	for _, m := range rapid.SliceOfNDistinct(rapid.SampledFrom(metricNames()), 1, 5, rapid.ID).Draw(rt, "metrics") {
		q.Metrics = append(q.Metrics, report.MetricRef{Name: m})
	}
	if rapid.Bool().Draw(rt, "filtered") {
		q.DimensionFilter = randomFilter(rt, 2)
	}
	if rapid.Bool().Draw(rt, "totals") {
		q.Aggregations = []report.Aggregation{report.Total}
	}
	if rarely(rt, "realtime") {
		realtime(rt, t, q)
		return q
	}
	for range rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(rt, "ranges") {
		q.Ranges = append(q.Ranges, randomRange(rt, t))
	}
	shape(rt, q)
	return q
}

// realtime makes q a question about the minutes before some moment.
func realtime(rt *rapid.T, t Traffic, q *report.Query) {
	at := event.Time(rapid.SampledFrom(t.Arrivals).Draw(rt, "around").EventTime)
	after := time.Duration(rapid.Int64Range(0, 31*60*1_000_000).Draw(rt, "microseconds after")) * time.Microsecond
	q.Now = at.Add(after).Std()
	ends := rapid.IntRange(0, 29).Draw(rt, "ends")
	q.Realtime = []report.MinuteRange{{StartMinutesAgo: rapid.IntRange(ends, 29).Draw(rt, "starts"), EndMins: ends}}
	q.Metrics = nil
	for _, m := range []string{"activeUsers", "eventCount", "keyEvents", "screenPageViews"} {
		q.Metrics = append(q.Metrics, report.MetricRef{Name: m})
	}
	if len(q.Dimensions) > 0 && rapid.Bool().Draw(rt, "by minute") {
		q.Dimensions[0] = report.DimensionRef{Name: "minutesAgo"}
	}
}

// shape draws what is done with rows once they are computed.
func shape(rt *rapid.T, q *report.Query) {
	if rarely(rt, "lower case") {
		q.Dimensions = append(q.Dimensions, report.DimensionRef{Name: "lower", LowerCase: "pageTitle"})
	}
	if rarely(rt, "joined") {
		q.Dimensions = append(q.Dimensions, report.DimensionRef{
			Name: "joined", Concatenate: []string{"country", "hour"}, Delimiter: "-"})
	}
	if rarely(rt, "having") {
		q.Aggregations = nil
		q.MetricFilter = &report.Filter{Field: &report.FieldFilter{Name: q.Metrics[0].Name,
			Match: store.NumGreater, Numbers: []float64{float64(rapid.IntRange(0, 2).Draw(rt, "more than"))}}}
	}
	if len(q.Dimensions) > 0 && rarely(rt, "ordered") {
		q.Order = []report.OrderBy{{Dimension: q.Dimensions[0].Name, Desc: rapid.Bool().Draw(rt, "descending")}}
	}
	q.KeepEmptyRows = rarely(rt, "empty rows")
	if rarely(rt, "paged") {
		q.Offset = rapid.IntRange(0, 2).Draw(rt, "offset")
		q.Limit = rapid.IntRange(1, 3).Draw(rt, "limit")
	}
}

// randomRange covers everything or begins and ends on days of some events.
func randomRange(rt *rapid.T, t Traffic) report.DateRange {
	first, last := t.days()
	if rapid.Bool().Draw(rt, "all days") {
		return report.DateRange{Start: first, End: last}
	}
	of := func(what string) time.Time {
		return event.Time(rapid.SampledFrom(t.Arrivals).Draw(rt, what).EventTime).Std()
	}
	a, b := of("a day"), of("another day")
	if b.Before(a) {
		a, b = b, a
	}
	return report.DateRange{Start: dayOf(a), End: dayOf(b)}
}

func randomFilter(rt *rapid.T, depth int) *report.Filter {
	kind := rapid.IntRange(0, 5).Draw(rt, "filter kind")
	if depth == 0 || kind > 2 {
		return &report.Filter{Field: randomField(rt)}
	}
	if kind == 0 {
		return &report.Filter{Not: randomFilter(rt, depth-1)}
	}
	list := []*report.Filter{randomFilter(rt, depth-1), randomFilter(rt, depth-1)}
	if kind == 1 {
		return &report.Filter{And: list}
	}
	return &report.Filter{Or: list}
}

func randomField(rt *rapid.T) *report.FieldFilter {
	if rapid.IntRange(0, 4).Draw(rt, "numeric") == 0 {
		return &report.FieldFilter{Name: "hour", Match: rapid.SampledFrom([]store.Match{
			store.NumLess, store.NumLessOrEqual, store.NumGreater, store.NumGreaterOrEqual, store.NumEqual,
		}).Draw(rt, "comparison"), Numbers: []float64{float64(rapid.IntRange(0, 23).Draw(rt, "hour"))}}
	}
	return &report.FieldFilter{
		Name: rapid.SampledFrom(dimensionNames()).Draw(rt, "field"),
		Match: rapid.SampledFrom([]store.Match{
			store.Exact, store.BeginsWith, store.EndsWith, store.Contains, store.FullRegexp, store.PartialRegexp, store.In,
		}).Draw(rt, "match"),
		Values: []string{rapid.SampledFrom([]string{
			"/a", "/b", "page_view", "News", "red", "DE", "Germany", "Europe", "google", "birds.example.org", "mobile", "new", "direct", "e", notSetText,
		}).Draw(rt, "value")},
		CaseSensitive: rapid.Bool().Draw(rt, "case sensitive"),
	}
}

// notSetText is also a regular expression, without its brackets.
const notSetText = "(not set)"

// Diff tells how two answers differ; rows are compared whatever their order,
// numbers as Number prints them. "" means they are equal.
func Diff(want, got *report.Result) string {
	sorted := func(r *report.Result) []string {
		bare := *r
		bare.Rows = slices.Clone(r.Rows)
		slices.SortFunc(bare.Rows, func(a, b report.Row) int { return slices.Compare(a.Dimensions, b.Dimensions) })
		return Lines(&bare, true)
	}
	return cmp.Diff(sorted(want), sorted(got))
}
