// Answer: a result and an account as lines of text.
package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/internal/report"
)

// Lines prints a result as .spec files expect it. paged adds the number of all rows.
func Lines(r *report.Result, paged bool) []string {
	var lines []string
	for _, row := range r.Rows {
		lines = append(lines, joinRow(row.Dimensions, row.Metrics))
	}
	for _, s := range []struct {
		name string
		rows []report.Row
	}{{"total", r.Totals}, {"min", r.Minimums}, {"max", r.Maximums}, {"count", r.Counts}} {
		for _, row := range s.rows {
			lines = append(lines, joinRow([]string{s.name}, row.Metrics))
		}
	}
	if len(r.Meta.OtherCurrencies) > 0 {
		lines = append(lines, "also "+strings.Join(r.Meta.OtherCurrencies, " "))
	}
	if paged {
		lines = append(lines, fmt.Sprintf("rows %d", r.RowCount))
	}
	if len(lines) == 0 {
		return []string{"none"}
	}
	return lines
}

func joinRow(dimensions []string, metrics []float64) string {
	cells := append([]string(nil), dimensions...)
	for _, m := range metrics {
		cells = append(cells, Number(m))
	}
	return strings.Join(cells, " | ")
}

// Number prints at most four decimals.
func Number(x float64) string {
	return strconv.FormatFloat(math.Round(x*1e4)/1e4, 'f', -1, 64)
}

// ledgerLines prints the named parts of an account, and whether it balances.
func ledgerLines(l report.Ledger, names []string) ([]string, error) {
	parts := map[string]int64{
		"received": l.Received, "accepted": l.Accepted, "pending": l.Pending, "stored": l.Stored,
		"duplicate": l.Duplicate, "tooLate": l.TooLate, "expired": l.Expired, "erased": l.Erased,
		"synthetic": l.Synthetic, "unmerged": l.Unmerged, "overflow": l.Overflow, "clamped": l.Clamped,
	}
	var lines []string
	for _, name := range names {
		n, ok := parts[name]
		if !ok {
			return nil, fmt.Errorf("the ledger has no %q", name)
		}
		lines = append(lines, fmt.Sprintf("%s %d", name, n))
	}
	if !l.Balanced() {
		lines = append(lines, "not balanced")
	}
	return lines, nil
}
