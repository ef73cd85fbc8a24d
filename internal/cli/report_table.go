// Drawing a report: aligned columns, a bar for the first metric, totals, and
// how fresh the numbers are.
package cli

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// freshness is metadata.tidemark of an answer (D5).
type freshness struct {
	ProcessedThrough string           `json:"processedThrough"`
	FinalThrough     string           `json:"finalThrough"`
	Exact            bool             `json:"exact"`
	Late             int64            `json:"late"`
	Duplicates       int64            `json:"duplicates"`
	TooLate          int64            `json:"tooLate"`
	Refused          map[string]int64 `json:"refused"`
}

const (
	gap      = "  "
	barCells = 20
	minCells = 8 // a column is not cut to less
)

// column is one column of the table, with its cells as text.
type column struct {
	head  string
	right bool
	cells []string // of the rows, and of the totals at the end
	width int
}

func drawReport(w io.Writer, t terminal, a answer) error {
	if len(a.Rows) == 0 {
		fmt.Fprintln(w, "No rows.")
		fmt.Fprintln(w, t.dim("What programs send (bots, curl) is in no report; tidemark ledger tells what was received."))
		return drawFreshness(w, t, a)
	}
	cols := reportColumns(a)
	bars := barsOf(a)
	squeeze(cols, t.width-barSpace(bars))
	heads := make([]string, len(cols))
	for i, c := range cols {
		heads[i] = pad(fit(c.head, c.width), c.width, c.right)
	}
	fmt.Fprintln(w, t.bold(strings.TrimRight(strings.Join(heads, gap), " ")))
	for r := range len(a.Rows) + len(a.Totals) {
		line := make([]string, len(cols))
		for i, c := range cols {
			line[i] = pad(fit(c.cells[r], c.width), c.width, c.right)
		}
		text := strings.Join(line, gap)
		switch {
		case r >= len(a.Rows):
			text = t.bold(text)
		case bars != nil:
			text += gap + t.blue(bars[r])
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
	if a.RowCount > len(a.Rows) {
		fmt.Fprintln(w, t.dim(fmt.Sprintf("%d of %d rows", len(a.Rows), a.RowCount)))
	}
	return drawFreshness(w, t, a)
}

func reportColumns(a answer) []column {
	var cols []column
	all := slices.Concat(a.Rows, a.Totals)
	for i, h := range a.DimensionHeaders {
		c := column{head: safe(h.Name)}
		for r, row := range all {
			text := ""
			if i < len(row.DimensionValues) {
				text = dimensionText(h.Name, row.DimensionValues[i].Value)
			}
			if r >= len(a.Rows) {
				text = totalLabel(i, text)
			}
			c.cells = append(c.cells, text)
		}
		cols = append(cols, c)
	}
	for i, h := range a.MetricHeaders {
		c := column{head: safe(h.Name), right: true}
		for _, row := range all {
			text := ""
			if i < len(row.MetricValues) {
				text = metricText(h, row.MetricValues[i].Value)
			}
			c.cells = append(c.cells, text)
		}
		cols = append(cols, c)
	}
	for i := range cols {
		cols[i].width = cells(cols[i].head)
		for _, s := range cols[i].cells {
			cols[i].width = max(cols[i].width, cells(s))
		}
	}
	return cols
}

// totalLabel replaces RESERVED_TOTAL, which stands in each dimension.
func totalLabel(i int, text string) string {
	switch {
	case !strings.HasPrefix(text, "RESERVED_"):
		return text // the name of a date range
	case i == 0:
		return "Total"
	}
	return ""
}

// dimensionText writes dates as people do: 20261123 as 2026-11-23.
func dimensionText(name, s string) string {
	layouts := map[string][2]string{
		"date": {"20060102", time.DateOnly}, "dateHour": {"2006010215", "2006-01-02 15h"},
		"dateHourMinute": {"200601021504", "2006-01-02 15:04"},
	}
	if l, ok := layouts[name]; ok {
		if at, err := time.Parse(l[0], s); err == nil {
			return at.Format(l[1])
		}
	}
	return safe(s)
}

// metricText writes a number by its type.
func metricText(h header, s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return safe(s)
	}
	switch {
	case h.Type == "TYPE_SECONDS":
		return time.Duration(math.Round(f) * float64(time.Second)).String()
	case strings.HasSuffix(h.Name, "Rate"):
		return strconv.FormatFloat(f*100, 'f', 1, 64) + " %"
	case h.Type == "TYPE_INTEGER" || f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

// barsOf draws the share that each row has of the largest first metric.
func barsOf(a answer) []string {
	if len(a.DimensionHeaders) == 0 || len(a.Rows) < 2 {
		return nil
	}
	values := make([]float64, len(a.Rows))
	for i, row := range a.Rows {
		if len(row.MetricValues) > 0 {
			values[i], _ = strconv.ParseFloat(row.MetricValues[0].Value, 64) // no number: no bar
		}
	}
	most := slices.Max(values)
	if most <= 0 || math.IsNaN(most) || math.IsInf(most, 0) {
		return nil
	}
	bars := make([]string, len(values))
	for i, v := range values {
		bars[i] = bar(v / most)
	}
	return bars
}

// bar is a line of up to barCells blocks, exact to an eighth of one.
func bar(share float64) string {
	const full, eighths = "\u2588", "\u258f\u258e\u258d\u258c\u258b\u258a\u2589"
	n := int(math.Round(max(0, share) * barCells * 8))
	if share > 0 && n == 0 {
		n = 1
	}
	text := strings.Repeat(full, n/8)
	if rest := n % 8; rest > 0 {
		text += string([]rune(eighths)[rest-1])
	}
	return text
}

func barSpace(bars []string) int {
	if bars == nil {
		return 0
	}
	return barCells + len(gap)
}

// squeeze takes cells from the widest dimension until the table fits.
func squeeze(cols []column, room int) {
	for {
		total, widest := -len(gap), -1
		for i, c := range cols {
			total += c.width + len(gap)
			if !c.right && c.width > minCells && (widest < 0 || c.width > cols[widest].width) {
				widest = i
			}
		}
		if total <= room || widest < 0 {
			return
		}
		cols[widest].width--
	}
}

// drawFreshness is the last line: until when, how exact, and what is missing.
func drawFreshness(w io.Writer, t terminal, a answer) error {
	f := a.Metadata.Tidemark
	var parts []string
	if f.ProcessedThrough != "" {
		parts = append(parts, "processed through "+localTime(f.ProcessedThrough, a.Metadata.TimeZone))
	}
	if f.FinalThrough != "" {
		parts = append(parts, "final through "+localTime(f.FinalThrough, a.Metadata.TimeZone))
	}
	if f.ProcessedThrough != "" {
		if f.Exact {
			parts = append(parts, "exact")
		} else {
			parts = append(parts, "approximate")
		}
	}
	counts := map[string]int64{"late": f.Late, "duplicate": f.Duplicates, "too late": f.TooLate}
	for _, n := range f.Refused {
		counts["refused"] += n
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
		}
	}
	if a.Metadata.TimeZone != "" {
		parts = append(parts, safe(a.Metadata.TimeZone))
	}
	if len(parts) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, t.dim(strings.Join(parts, ", ")))
	return err
}

// localTime writes an RFC 3339 time in the property's zone.
func localTime(s, zone string) string {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return safe(s)
	}
	if loc, err := time.LoadLocation(zone); err == nil {
		at = at.In(loc)
	}
	return at.Format("2006-01-02 15:04:05")
}
