// UnknownError: a name that the catalog does not have, and the nearest one that it has.
package catalog

import (
	"fmt"
	"strings"
)

// UnknownError says that there is no dimension or metric of that name.
type UnknownError struct {
	Kind string // dimension or metric
	Name string
	Hint string // "" if nothing is near
}

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no %s %q", e.Kind, shorten(e.Name))
}

func shorten(name string) string {
	const most = 80
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}

func didYouMean(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return ""
}

// Nearest returns the known name that is fewest edits away from name, or ""
// if none is near enough to be what was meant.
func Nearest(name string, known []string) string {
	const longest = 64
	if len(name) > longest {
		return ""
	}
	lower := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	best, bestEdits := "", 1+max(2, len(lower)/3)
	for _, k := range known {
		if n := edits(lower, strings.ToLower(k)); n < bestEdits {
			best, bestEdits = k, n
		}
	}
	return best
}

// edits counts insertions, removals and replacements of bytes between a and b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
