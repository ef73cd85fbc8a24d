// Requests of the Data API become report queries.
package api

import (
	"time"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

// asked is what a report request means: the question, and what else the answer should hold.
type asked struct {
	query *report.Query
	quota bool
}

// asking is what the meaning of a request depends on.
type asking struct {
	property property.Property
	now      time.Time
	location *time.Location
}

func (a asking) today() report.Day { return report.DayOf(a.now, a.location) }

// readRunReport reads a RunReportRequest.
func (a asking) readRunReport(n node) asked {
	f := n.fields()
	q := a.readCommon(f)
	a.readProperty(f.get("property"))
	f.get("dateRanges").list(func(item node) { q.Ranges = append(q.Ranges, readDateRange(item, a.today())) })
	q.Offset = int(f.get("offset").whole(0, 1<<40))
	q.KeepEmptyRows = f.get("keepEmptyRows").boolean()
	if code := f.get("currencyCode"); code.set() && code.text() != "" && code.text() != a.property.Currency {
		n.r.fail(code.path, "amounts are not converted: the property's currency is %s", a.property.Currency)
	}
	f.unsupported("cohortSpec", "comparisons", "conversionSpec", "samplingLevel")
	out := asked{query: q, quota: f.get("returnPropertyQuota").boolean()}
	f.done()
	return out
}

// readRealtime reads a RunRealtimeReportRequest.
func (a asking) readRealtime(n node) asked {
	f := n.fields()
	q := a.readCommon(f)
	a.readProperty(f.get("property"))
	f.get("minuteRanges").list(func(item node) { q.Realtime = append(q.Realtime, readMinuteRange(item)) })
	if len(q.Realtime) == 0 {
		q.Realtime = []report.MinuteRange{{StartMinutesAgo: report.MaxMinutesAgo}}
	}
	out := asked{query: q, quota: f.get("returnPropertyQuota").boolean()}
	f.done()
	return out
}

// readBatch reads a BatchRunReportsRequest.
func (a asking) readBatch(n node) []asked {
	f := n.fields()
	a.readProperty(f.get("property"))
	var all []asked
	requests := f.get("requests")
	requests.list(func(item node) {
		if len(all) == maxBatch {
			n.r.fail(requests.path, "a batch has at most %d requests", maxBatch)
			return
		}
		all = append(all, a.readRunReport(item))
	})
	f.done()
	if len(all) == 0 {
		n.r.fail("requests", "a batch needs a request")
	}
	return all
}

// readCommon reads what all report requests have.
func (a asking) readCommon(f *fields) *report.Query {
	q := &report.Query{Property: a.property, Now: a.now}
	f.get("dimensions").list(func(item node) { q.Dimensions = append(q.Dimensions, readDimension(item)) })
	f.get("metrics").list(func(item node) { q.Metrics = append(q.Metrics, readMetric(item)) })
	q.DimensionFilter = readFilter(f.get("dimensionFilter"), 1)
	q.MetricFilter = readFilter(f.get("metricFilter"), 1)
	f.get("orderBys").list(func(item node) { q.Order = append(q.Order, readOrder(item)) })
	// Like GA4: no limit is 10,000, and a larger one than 250,000 is that many.
	q.Limit = int(min(f.get("limit").whole(0, 1<<62), report.MaxLimit))
	f.get("metricAggregations").list(func(item node) {
		if agg, ok := readAggregation(item); ok {
			q.Aggregations = append(q.Aggregations, agg)
		}
	})
	return q
}

// readProperty accepts the property of the address and no other.
func (a asking) readProperty(n node) {
	if name := n.text(); name != "" && name != "properties/"+a.property.ID.String() {
		n.r.fail(n.path, "it differs from the property in the address")
	}
}

func readDimension(n node) report.DimensionRef {
	f := n.fields()
	d := report.DimensionRef{Name: f.get("name").text()}
	if expression := f.get("dimensionExpression"); expression.set() {
		readExpression(expression, &d)
	}
	f.done()
	return d
}

func readExpression(n node, d *report.DimensionRef) {
	f := n.fields()
	readCase := func(n node) string {
		if !n.set() {
			return ""
		}
		f := n.fields()
		name := f.get("dimensionName").text()
		f.done()
		if name == "" {
			n.r.fail(join(n.path, "dimensionName"), "a dimension is needed")
		}
		return name
	}
	d.LowerCase, d.UpperCase = readCase(f.get("lowerCase")), readCase(f.get("upperCase"))
	if c := f.get("concatenate"); c.set() {
		parts := c.fields()
		d.Concatenate, d.Delimiter = parts.get("dimensionNames").texts(), parts.get("delimiter").text()
		parts.done()
		if len(d.Concatenate) == 0 {
			n.r.fail(join(c.path, "dimensionNames"), "dimensions are needed")
		}
	}
	f.done()
	if d.LowerCase == "" && d.UpperCase == "" && len(d.Concatenate) == 0 {
		n.r.fail(n.path, "an expression is one of lowerCase, upperCase and concatenate")
	}
}

func readMetric(n node) report.MetricRef {
	f := n.fields()
	m := report.MetricRef{Name: f.get("name").text(), Invisible: f.get("invisible").boolean()}
	f.unsupported("expression")
	f.done()
	return m
}

func readDateRange(n node, today report.Day) report.DateRange {
	f := n.fields()
	r := report.DateRange{Name: f.get("name").text(),
		Start: f.get("startDate").day(today), End: f.get("endDate").day(today)}
	f.done()
	checkRangeName(n, r.Name)
	return r
}

func readMinuteRange(n node) report.MinuteRange {
	f := n.fields()
	r := report.MinuteRange{Name: f.get("name").text(), StartMinutesAgo: report.MaxMinutesAgo}
	if start := f.get("startMinutesAgo"); start.set() {
		r.StartMinutesAgo = int(start.whole(0, report.MaxMinutesAgo))
	}
	r.EndMins = int(f.get("endMinutesAgo").whole(0, report.MaxMinutesAgo))
	f.done()
	checkRangeName(n, r.Name)
	return r
}

// checkRangeName keeps names apart from those that the answer uses itself.
func checkRangeName(n node, name string) {
	const longest = 100
	for _, reserved := range []string{"date_range_", "RESERVED_"} {
		if len(name) > longest || len(name) >= len(reserved) && name[:len(reserved)] == reserved {
			n.r.fail(join(n.path, "name"), "a name has at most %d bytes and does not begin with date_range_ or RESERVED_", longest)
		}
	}
}

func readOrder(n node) report.OrderBy {
	f := n.fields()
	o := report.OrderBy{Desc: f.get("desc").boolean()}
	if m := f.get("metric"); m.set() {
		inner := m.fields()
		o.Metric = inner.get("metricName").text()
		inner.done()
	}
	if d := f.get("dimension"); d.set() {
		inner := d.fields()
		o.Dimension = inner.get("dimensionName").text()
		o.Type = [...]report.OrderType{report.Alphanumeric, report.Alphanumeric,
			report.CaseInsensitiveAlphanumeric, report.Numeric}[inner.get("orderType").enum(
			"ORDER_TYPE_UNSPECIFIED", "ALPHANUMERIC", "CASE_INSENSITIVE_ALPHANUMERIC", "NUMERIC")]
		inner.done()
	}
	f.unsupported("pivot")
	f.done()
	return o
}

func readAggregation(n node) (report.Aggregation, bool) {
	switch n.enum("METRIC_AGGREGATION_UNSPECIFIED", "TOTAL", "", "", "COUNT", "MINIMUM", "MAXIMUM") {
	case 1:
		return report.Total, true
	case 4:
		return report.CountRows, true
	case 5:
		return report.Minimum, true
	case 6:
		return report.Maximum, true
	}
	n.r.fail(n.path, "one of TOTAL, MINIMUM, MAXIMUM, COUNT is expected here")
	return 0, false
}

func oneOf(n node, what string, set ...node) bool {
	given := 0
	for _, s := range set {
		if s.set() {
			given++
		}
	}
	if given != 1 {
		n.r.fail(n.path, "%s is exactly one of its kinds, and %d are given", what, given)
	}
	return given == 1
}
