// Ask: the report API's shapes, as far as the bench needs them, and the twelve
// panels of a dashboard.
package main

type report struct {
	Dimensions      []name      `json:"dimensions,omitempty"`
	Metrics         []name      `json:"metrics"`
	DateRanges      []dateRange `json:"dateRanges"`
	DimensionFilter any         `json:"dimensionFilter,omitempty"`
	OrderBys        []any       `json:"orderBys,omitempty"`
	Limit           string      `json:"limit,omitempty"`
}

type name struct {
	Name string `json:"name"`
}

type dateRange struct {
	Start string `json:"startDate"`
	End   string `json:"endDate"`
}

type answer struct {
	Rows []struct{ DimensionValues, MetricValues []struct{ Value string } }
}

func named(names ...string) []name {
	out := make([]name, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}

type object = map[string]any

func inList(dimension string, values []string) object {
	return object{"filter": object{"fieldName": dimension, "inListFilter": object{"values": values, "caseSensitive": true}}}
}

func exactly(dimension, value string) object {
	return object{"filter": object{"fieldName": dimension,
		"stringFilter": object{"matchType": "EXACT", "value": value, "caseSensitive": true}}}
}

func byMetric(metric string) object {
	return object{"metric": object{"metricName": metric}, "desc": true}
}

func byDimension(dimension string) object {
	return object{"dimension": object{"dimensionName": dimension}}
}

// dashboard returns the twelve panels that the dashboard asks for: totals with
// the range before, the series by day, and tables of ten rows.
func dashboard() []report {
	now, before := dateRange{"29daysAgo", "today"}, dateRange{"59daysAgo", "30daysAgo"}
	totals := named("activeUsers", "newUsers", "sessions", "engagementRate", "averageSessionDuration",
		"screenPageViews", "eventCount", "keyEvents", "bounceRate")
	out := []report{
		{Metrics: totals, DateRanges: []dateRange{now, before}},
		{Dimensions: named("date"), Metrics: totals, DateRanges: []dateRange{now, before}, Limit: "1000",
			OrderBys: []any{byDimension("date")}},
	}
	for _, t := range [][3]string{
		{"pagePath", "screenPageViews", "activeUsers"},
		{"landingPage", "sessions", "bounceRate"},
		{"sessionDefaultChannelGroup", "sessions", "activeUsers"},
		{"sessionSource", "sessions", "activeUsers"},
		{"sessionCampaignName", "sessions", "activeUsers"},
		{"country", "activeUsers", "sessions"},
		{"deviceCategory", "activeUsers", "sessions"},
		{"browser", "activeUsers", "sessions"},
		{"eventName", "eventCount", "activeUsers"},
		{"newVsReturning", "activeUsers", "sessions"},
	} {
		out = append(out, report{Dimensions: named(t[0]), Metrics: named(t[1], t[2]), DateRanges: []dateRange{now},
			OrderBys: []any{byMetric(t[1]), byDimension(t[0])}, Limit: "10"})
	}
	return out
}
