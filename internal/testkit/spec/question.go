// Question: from the words of a report command to a report.Query.
package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

// question reads the words of report and realtime.
func question(c *Command, p property.Property) (*report.Query, error) {
	q := &report.Query{Property: p}
	for _, name := range list(c.text("dims", "")) {
		q.Dimensions = append(q.Dimensions, dimensionRef(name))
	}
	for _, name := range list(c.text("metrics", "")) {
		bare, hidden := strings.CutPrefix(name, "~")
		q.Metrics = append(q.Metrics, report.MetricRef{Name: bare, Invisible: hidden})
	}
	for _, text := range list(c.text("order", "")) {
		q.Order = append(q.Order, orderBy(text, q.Metrics))
	}
	for _, a := range c.Args {
		if err := readWord(q, a); err != nil {
			return nil, fmt.Errorf("read %s: %w", a.key, err)
		}
	}
	if c.Name == "realtime" {
		return q, minutes(c, q, p)
	}
	return q, nil
}

func readWord(q *report.Query, a arg) (err error) {
	switch a.key {
	case "range":
		var r report.DateRange
		r, err = dateRange(a.value)
		q.Ranges = append(q.Ranges, r)
	case "filter":
		q.DimensionFilter, err = parseFilter(a.value)
	case "having":
		q.MetricFilter, err = parseFilter(a.value)
	case "limit":
		q.Limit, err = strconv.Atoi(a.value)
	case "offset":
		q.Offset, err = strconv.Atoi(a.value)
	case "totals":
		q.Aggregations = append(q.Aggregations, report.Total)
	case "min":
		q.Aggregations = append(q.Aggregations, report.Minimum)
	case "max":
		q.Aggregations = append(q.Aggregations, report.Maximum)
	case "count":
		q.Aggregations = append(q.Aggregations, report.CountRows)
	case "empty":
		q.KeepEmptyRows = true
	case "verdicts":
		q.AllVerdicts = true
	case "dims", "metrics", "order", "now", "minutes":
	default:
		err = fmt.Errorf("unknown word")
	}
	return err
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func dimensionRef(s string) report.DimensionRef {
	inner, ok := strings.CutSuffix(s, ")")
	switch {
	case ok && strings.HasPrefix(inner, "lower("):
		return report.DimensionRef{Name: s, LowerCase: inner[len("lower("):]}
	case ok && strings.HasPrefix(inner, "upper("):
		return report.DimensionRef{Name: s, UpperCase: inner[len("upper("):]}
	case ok && strings.HasPrefix(inner, "concat("):
		return report.DimensionRef{Name: s, Delimiter: "+",
			Concatenate: strings.Split(inner[len("concat("):], "+")}
	}
	return report.DimensionRef{Name: s}
}

// orderBy reads -sessions, date, hour:num, eventName:ci.
func orderBy(s string, metrics []report.MetricRef) report.OrderBy {
	name, desc := strings.CutPrefix(s, "-")
	name, kind := cutKind(name)
	for _, m := range metrics {
		if m.Name == name {
			return report.OrderBy{Metric: name, Desc: desc}
		}
	}
	return report.OrderBy{Dimension: name, Type: kind, Desc: desc}
}

func cutKind(name string) (string, report.OrderType) {
	if bare, ok := strings.CutSuffix(name, ":num"); ok {
		return bare, report.Numeric
	}
	if bare, ok := strings.CutSuffix(name, ":ci"); ok {
		return bare, report.CaseInsensitiveAlphanumeric
	}
	return name, report.Alphanumeric
}

// dateRange reads [name:]2026-03-02[..2026-03-04].
func dateRange(s string) (report.DateRange, error) {
	name, days, named := strings.Cut(s, ":")
	if !named {
		name, days = "", s
	}
	from, to, several := strings.Cut(days, "..")
	if !several {
		to = from
	}
	start, err := day(from)
	if err != nil {
		return report.DateRange{}, err
	}
	end, err := day(to)
	return report.DateRange{Name: name, Start: start, End: end}, err
}

func day(s string) (report.Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	return report.Day{Year: t.Year(), Month: t.Month(), Day: t.Day()}, err
}

// minutes reads now= and minutes= of realtime.
func minutes(c *Command, q *report.Query, p property.Property) error {
	loc, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return err
	}
	date, clock, _ := strings.Cut(c.text("now", ""), " ")
	on, err := time.ParseInLocation(time.DateOnly, date, loc)
	if err != nil {
		return fmt.Errorf("read now: %w", err)
	}
	if q.Now, err = clockOn(on, clock, loc); err != nil {
		return err
	}
	from, to, _ := strings.Cut(c.text("minutes", "29..0"), "..")
	var r report.MinuteRange
	if r.StartMinutesAgo, err = strconv.Atoi(from); err != nil {
		return err
	}
	r.EndMins, err = strconv.Atoi(to)
	q.Realtime = append(q.Realtime, r)
	return err
}
