// Results: the lines of the table, on the terminal and in RESULTS.md.
package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// result is one line.
type result struct {
	title  string // of its group; set when it is added
	what   string
	value  string
	ratio  string // to the floor of the same run, "" if there is none
	target string // of the design, "" if there is none
}

// add notes a line of the group that is under way.
func (b *bench) add(what, value, ratio, target string) {
	b.results = append(b.results, result{b.progress.title, what, value, ratio, target})
}

func printResults(w io.Writer, title string, lines []result) {
	fmt.Fprintf(w, "\n%s\n", title)
	what, value, ratio := 10, 10, 8
	for _, r := range lines {
		what = max(what, utf8.RuneCountInString(r.what))
		value = max(value, utf8.RuneCountInString(r.value))
		ratio = max(ratio, utf8.RuneCountInString(r.ratio))
	}
	for _, r := range lines {
		target := ""
		if r.target != "" {
			target = "target " + r.target
		}
		line := fmt.Sprintf("  %-*s  %*s  %*s  %s", what, r.what, value, r.value, ratio, r.ratio, target)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// writeResults replaces RESULTS.md.
func (b *bench) writeResults(path string, facts []string) error {
	var o strings.Builder
	o.WriteString("# Results\n\nWritten by `make bench` with `-write`; README.md tells what each line means.\n\n")
	fmt.Fprintf(&o, "- command: `go run ./bench -size %s -write`\n", b.sizeName)
	for _, f := range facts {
		fmt.Fprintf(&o, "- %s\n", f)
	}
	fmt.Fprintf(&o, "- figures of bursts are medians of %d interleaved rounds of %v each\n", b.rounds, b.round)
	title := ""
	for _, r := range b.results {
		if r.title != title {
			title = r.title
			fmt.Fprintf(&o, "\n## %s\n\n| what | result | ratio to the floor | target |\n| --- | --- | --- | --- |\n", title)
		}
		fmt.Fprintf(&o, "| %s | %s | %s | %s |\n", r.what, r.value, cmp.Or(r.ratio, "-"), cmp.Or(r.target, "-"))
	}
	if err := os.WriteFile(path, []byte(o.String()), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// median returns the middle of xs; 0 of none.
func median(xs []float64) float64 { return quantile(xs, 0.5) }

// quantile returns the smallest x that at least a share q of xs does not exceed.
func quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(xs))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// count writes a number for people: 12,345.
func count(x float64) string {
	digits := fmt.Sprintf("%.0f", x)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// millis writes seconds as milliseconds.
func millis(seconds float64) string {
	switch ms := seconds * 1e3; {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f s", seconds)
	}
}

func micros(seconds float64) string { return fmt.Sprintf("%.1f us", seconds*1e6) }

func megabytes(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

func percent(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }

func times(x float64) string { return fmt.Sprintf("%.2f x", x) }
