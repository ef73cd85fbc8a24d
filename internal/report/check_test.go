// What is wrong with a query is said by field, with a hint where one is known.
package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

func TestEveryCatalogEntryCanBePlanned(t *testing.T) {
	c := catalog.New()
	for _, d := range append(c.Dimensions(), mustDimension(t, c, "customEvent:plan")) {
		for _, m := range c.Metrics() {
			q := ask(d.Name, m.Name, march(2, 3))
			if d.RealtimeOnly {
				q.Ranges, q.Realtime = nil, []MinuteRange{{StartMinutesAgo: 29}}
			}
			if _, err := engineOver(t, harbour()).Run(t.Context(), []*Query{q}); err != nil {
				t.Errorf("%s by %s: %v", m.Name, d.Name, err)
			}
		}
		q := ask("", "sessions eventCount", march(2, 3))
		q.DimensionFilter = field(FieldFilter{Name: d.Name, Match: MatchContains, Values: []string{"a"}})
		if _, err := engineOver(t, harbour()).Run(t.Context(), []*Query{q}); (err != nil) != (d.RealtimeOnly || d.Scope == catalog.Query) {
			t.Errorf("filter by %s: %v", d.Name, err)
		}
	}
}

func mustDimension(t *testing.T, c *catalog.Catalog, name string) catalog.Dimension {
	t.Helper()
	d, err := c.Dimension(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWrongQueriesAreRefusedWithTheirField(t *testing.T) {
	deep := func(n int) *Filter {
		f := field(FieldFilter{Name: "city", Values: []string{"x"}})
		for range n {
			f = &Filter{Not: f}
		}
		return f
	}
	wide := &Filter{}
	for range MaxFilterLeaves + 1 {
		wide.Or = append(wide.Or, deep(0))
	}
	filter := func(f FieldFilter) func(*Query) { return func(q *Query) { q.DimensionFilter = field(f) } }
	for name, c := range map[string]struct {
		change func(*Query)
		want   string
	}{
		"typo in a dimension":   {func(q *Query) { q.Dimensions[0].Name = "datte" }, `dimensions[0].name: there is no dimension "datte" (did you mean date?)`},
		"metric as a dimension": {func(q *Query) { q.Dimensions[0].Name = "sessions" }, "sessions is a metric"},
		"typo in a metric":      {func(q *Query) { q.Metrics[0].Name = "sessionz" }, `metrics[0].name: there is no metric "sessionz" (did you mean sessions?)`},
		"dimension twice":       {func(q *Query) { q.Dimensions = append(q.Dimensions, q.Dimensions[0]) }, "asked for twice"},
		"metric twice":          {func(q *Query) { q.Metrics = append(q.Metrics, q.Metrics[0]) }, "asked for twice"},
		"nothing asked":         {func(q *Query) { q.Dimensions, q.Metrics = nil, nil }, "needs a metric or a dimension"},
		"ten dimensions":        {func(q *Query) { q.Dimensions = make([]DimensionRef, 10) }, "at most 9 dimensions"},
		"eleven metrics":        {func(q *Query) { q.Metrics = make([]MetricRef, 11) }, "at most 10 metrics"},
		"no range":              {func(q *Query) { q.Ranges = nil }, "needs a date range"},
		"five ranges":           {func(q *Query) { q.Ranges = make([]DateRange, 5) }, "at most 4 date ranges"},
		"range backwards":       {func(q *Query) { q.Ranges = march(3, 2) }, "before it starts"},
		"31 February":           {func(q *Query) { q.Ranges[0].End = Day{2026, 2, 31} }, "2026-02-31 is not a day"},
		"range of a century":    {func(q *Query) { q.Ranges[0].Start = Day{1971, 1, 1} }, "at most 3660 days"},
		"ranges of one name": {func(q *Query) {
			q.Ranges = append(march(1, 2), DateRange{Name: "date_range_0", Start: Day{2026, 1, 1}, End: Day{2026, 1, 1}})
		}, "two ranges"},
		"days and minutes":       {func(q *Query) { q.Realtime = make([]MinuteRange, 1) }, "not both"},
		"an hour ago":            {func(q *Query) { q.Ranges, q.Realtime = nil, []MinuteRange{{StartMinutesAgo: 60}} }, "minuteRanges[0].startMinutesAgo"},
		"minutes backwards":      {func(q *Query) { q.Ranges, q.Realtime = nil, []MinuteRange{{StartMinutesAgo: 3, EndMins: 4}} }, "minuteRanges[0].endMinutesAgo"},
		"minutesAgo over days":   {func(q *Query) { q.Dimensions[0].Name = "minutesAgo" }, "realtime reports only"},
		"negative offset":        {func(q *Query) { q.Offset = -1 }, "offset"},
		"limit over the limit":   {func(q *Query) { q.Limit = MaxLimit + 1 }, "limit: it lies between 1 and 250000"},
		"order by nothing":       {func(q *Query) { q.Order = make([]OrderBy, 1) }, "orderBys[0]"},
		"order by another":       {func(q *Query) { q.Order = []OrderBy{{Metric: "eventCount"}} }, `"eventCount" is not a metric of this report`},
		"order by another again": {func(q *Query) { q.Order = []OrderBy{{Dimension: "city"}} }, `"city" is not a dimension of this report`},
		"two expressions":        {func(q *Query) { q.Dimensions[0].LowerCase, q.Dimensions[0].UpperCase = "city", "city" }, "one of lowerCase"},
		"expression of a range":  {func(q *Query) { q.Dimensions[0].LowerCase = "dateRange" }, "cannot be part of an expression"},
		"empty filter":           {func(q *Query) { q.DimensionFilter = &Filter{} }, "dimensionFilter: a filter is exactly one"},
		"filter by a metric":     {filter(FieldFilter{Name: "sessions", Values: []string{"1"}}), "sessions is a metric"},
		"filter by a range":      {filter(FieldFilter{Name: "dateRange", Values: []string{"1"}}), "cannot be filtered by"},
		"unclosed pattern":       {filter(FieldFilter{Name: "city", Match: MatchFullRegexp, Values: []string{"("}}), "cannot be read"},
		"pattern bomb":           {filter(FieldFilter{Name: "city", Match: MatchPartialRegexp, Values: []string{"((a{900}){900}){900}"}}), "cannot be read"},
		"long pattern":           {filter(FieldFilter{Name: "city", Match: MatchFullRegexp, Values: []string{strings.Repeat("a", MaxPattern+1)}}), "at most 1024 bytes"},
		"empty list":             {filter(FieldFilter{Name: "city", Match: MatchIn}), "the list of values is empty"},
		"long list":              {filter(FieldFilter{Name: "city", Match: MatchIn, Values: make([]string, MaxListValues+1)}), "at most 10000 values"},
		"between one number":     {filter(FieldFilter{Name: "hour", Match: MatchNumBetween, Numbers: []float64{1}}), "takes 2 numbers"},
		"no such comparison":     {filter(FieldFilter{Name: "city", Match: store.Match(99), Values: []string{"x"}}), "no such comparison"},
		"deep filter":            {func(q *Query) { q.DimensionFilter = deep(MaxFilterDepth) }, "at most 16 deep"},
		"wide filter":            {func(q *Query) { q.DimensionFilter = wide }, "at most 200 comparisons"},
		"having another": {func(q *Query) {
			q.MetricFilter = field(FieldFilter{Name: "eventCount", Match: MatchNumEqual, Numbers: []float64{1}})
		}, "not a metric of this report"},
		"having a text": {func(q *Query) { q.MetricFilter = field(FieldFilter{Name: "sessions", Values: []string{"1"}}) }, "compare as numbers"},
	} {
		q := ask("date", "sessions", march(2, 3))
		c.change(q)
		err := engineOver(t, harbour()).Check(q)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}

func TestErrorsOfABatchNameTheRequest(t *testing.T) {
	good, bad := ask("date", "sessions", march(2, 3)), ask("date", "sessionz", march(2, 3))
	_, err := engineOver(t, harbour()).Run(t.Context(), []*Query{good, bad})
	if err == nil || !strings.HasPrefix(err.Error(), "requests[1].metrics[0].name") {
		t.Errorf("error is %v, want one about requests[1]", err)
	}
}

func TestS36TextsCompareByUnicodeSimpleFolding(t *testing.T) {
	for _, c := range []struct {
		match     Match
		value     string
		text      string
		sensitive bool
		want      bool
	}{
		{MatchExact, "KELVIN", "\u212aelvin", false, true}, // KELVIN SIGN folds to k
		{MatchExact, "strasse", "stra\u00dfe", false, false},
		{MatchExact, "\u017ftate", "State", false, true}, // LONG S folds to s
		{MatchExact, "i", "\u0130", false, false},
		{MatchExact, "a.c", "abc", false, false},
		{MatchExact, "Abc", "abc", true, false},
		{MatchBeginsWith, "/BLOG", "/blog/1", false, true},
		{MatchBeginsWith, "/BLOG", "/blog/1", true, false},
		{MatchEndsWith, ".PDF", "/x.pdf", false, true},
		{MatchContains, "b\nc", "ab\ncd", false, true},
		{MatchFullRegexp, "/a|/b", "/b", false, true},
		{MatchFullRegexp, "/a|/b", "/bc", false, false},
		{MatchPartialRegexp, "^/B", "/bc", false, true},
		{MatchPartialRegexp, "^/B", "/bc", true, false},
		{MatchIn, "\u212a", "k", false, true},
	} {
		match, err := textMatch("", &FieldFilter{Match: c.match, Values: []string{c.value}, CaseSensitive: c.sensitive})
		if err != nil {
			t.Fatal(err)
		}
		if got := match(c.text); got != c.want {
			t.Errorf("match %d %q of %q (case sensitive %v) is %v, want %v", c.match, c.value, c.text, c.sensitive, got, c.want)
		}
	}
}

func TestTextsThatAreNoNumbersMatchNoNumber(t *testing.T) {
	match, err := textMatch("", &FieldFilter{Match: MatchNumLess, Numbers: []float64{10}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"9": true, "-1.5": true, "10": false, "": false, "(not set)": false,
		"0x1": false, "1_0": false, "nan": false, "-inf": false} {
		if match(text) != want {
			t.Errorf("%q < 10 is %v, want %v", text, !want, want)
		}
	}
}

// FuzzFilters: no filter, however odd, panics or is answered from rows that it does not match.
func FuzzFilters(f *testing.F) {
	f.Add("pagePath", uint8(0), "/a", false)
	f.Add("fullPageUrl", uint8(5), "(a|b)*", true)
	f.Add("customEvent:x", uint8(6), "\x00'\"; --", true)
	f.Fuzz(func(t *testing.T, name string, match uint8, value string, negated bool) {
		q := ask("eventName", "eventCount sessions", march(2, 3))
		leaf := FieldFilter{Name: name, Match: Match(match % 14), Values: []string{value}}
		if isNumeric(leaf.Match) {
			leaf.Values, leaf.Numbers = nil, []float64{float64(len(value)), 10}[:1+int(match)%2]
		}
		q.DimensionFilter = field(leaf)
		if negated {
			q.DimensionFilter = &Filter{Not: q.DimensionFilter}
		}
		results, err := engineOver(t, harbour()).Run(t.Context(), []*Query{q})
		var invalid *InvalidError
		if err != nil {
			if !errors.As(err, &invalid) {
				t.Fatalf("error is %v, want an InvalidError", err)
			}
			return
		}
		counted := 0.0
		for _, r := range results[0].Rows {
			counted += r.Metrics[0]
		}
		if counted > 6 {
			t.Errorf("%v events matched, of 6", counted)
		}
	})
}

func TestMergedTextsBeyondTheBoundAreRefused(t *testing.T) {
	s := harbour()
	for i := range maxMerges + 1 {
		for _, path := range []string{fmt.Sprintf("/p%d", i), fmt.Sprintf("/P%d", i)} {
			e := s.events[0]
			e.text = map[store.Column]string{store.ColPath: path}
			s.events = append(s.events, e)
		}
	}
	q := ask("x", "totalUsers", march(2, 3))
	q.Dimensions[0].LowerCase = "pagePath"
	_, err := engineOver(t, s).Run(t.Context(), []*Query{q})
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Errorf("error is %v, want an InvalidError", err)
	}
	q.Metrics[0].Name = "eventCount" // events add up
	if _, err := engineOver(t, s).Run(t.Context(), []*Query{q}); err != nil {
		t.Error(err)
	}
}
