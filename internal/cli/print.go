// Printing JSON and short tables, and making foreign text safe to print (CL2).
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}

// safe replaces what could drive a terminal: control characters and those
// that turn the direction of text around.
func safe(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return '\u00b7'
		}
		return r
	}, s)
}

// cells is how many columns of a terminal s takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

const ellipsis = "\u2026"

// fit cuts s to at most n cells and says so with an ellipsis.
func fit(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	var out strings.Builder
	used := 0
	for _, r := range s {
		w := cells(string(r))
		if used+w > n-1 {
			break
		}
		used += w
		out.WriteRune(r)
	}
	return out.String() + ellipsis
}

// pad fills s with spaces to n cells, on the left if right-aligned.
func pad(s string, n int, right bool) string {
	space := strings.Repeat(" ", max(0, n-cells(s)))
	if right {
		return space + s
	}
	return s + space
}

// columns prints rows of text in left-aligned columns.
func columns(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, s := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(safe(s)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, s := range row {
			line.WriteString(pad(safe(s), widths[i]+2, false))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
