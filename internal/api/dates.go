// Dates of a request: absolute or relative to today in the property's zone.
package api

import (
	"strconv"
	"strings"
	"time"

	"tidemark/internal/report"
)

// maxDaysAgo keeps relative dates within the years that reports know.
const maxDaysAgo = 20_000

// day reads YYYY-MM-DD, NdaysAgo, yesterday or today.
func (n node) day(today report.Day) report.Day {
	text := n.text()
	switch text {
	case "today":
		return today
	case "yesterday":
		return today.Add(-1)
	case "":
		n.r.fail(n.path, "a date is needed: YYYY-MM-DD, NdaysAgo, yesterday or today")
		return today
	}
	if ago, ok := strings.CutSuffix(text, "daysAgo"); ok {
		days, err := strconv.ParseUint(ago, 10, 32)
		if err == nil && days <= maxDaysAgo {
			return today.Add(-int(days))
		}
	}
	t, err := time.Parse("2006-01-02", text)
	if err != nil {
		n.r.fail(n.path, "a date is YYYY-MM-DD, NdaysAgo, yesterday or today")
		return today
	}
	return report.DayOf(t, time.UTC)
}
