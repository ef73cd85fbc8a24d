// Matching: what each comparison means, said with Go's own tools (S36).
package storetest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidemark/internal/store"
)

// checkLeaf refuses values that cannot be compared with.
func checkLeaf(l *store.Leaf) error {
	want := 1
	switch l.Match {
	case store.In:
		want = len(l.Values)
	case store.NumBetween:
		want = 2
	}
	if len(l.Values) != want {
		return fmt.Errorf("filter has %d values, want %d", len(l.Values), want)
	}
	if l.Match == store.FullRegexp || l.Match == store.PartialRegexp {
		_, err := regexp.Compile(l.Values[0])
		return err
	}
	for _, v := range l.Values {
		if _, err := strconv.ParseFloat(v, 64); l.Match >= store.NumEqual && err != nil {
			return err
		}
	}
	return nil
}

func matchText(l *store.Leaf, text string) bool {
	switch l.Match {
	case store.Exact, store.In:
		return slices.ContainsFunc(l.Values, func(v string) bool {
			v = strings.ToValidUTF8(v, "\uFFFD")
			return text == v || !l.CaseSensitive && strings.EqualFold(text, v)
		})
	case store.BeginsWith:
		return pattern(l, `\A`+regexp.QuoteMeta(l.Values[0])).MatchString(text)
	case store.EndsWith:
		return pattern(l, regexp.QuoteMeta(l.Values[0])+`\z`).MatchString(text)
	case store.Contains:
		return pattern(l, regexp.QuoteMeta(l.Values[0])).MatchString(text)
	case store.PartialRegexp:
		return pattern(l, l.Values[0]).MatchString(text)
	case store.FullRegexp:
		// The leftmost longest match covers the text if any match does.
		re := pattern(l, l.Values[0])
		re.Longest()
		at := re.FindStringIndex(text)
		return at != nil && at[0] == 0 && at[1] == len(text)
	}
	return matchNumber(l, text)
}

func pattern(l *store.Leaf, p string) *regexp.Regexp {
	p = strings.ToValidUTF8(p, "\uFFFD")
	if !l.CaseSensitive {
		p = "(?i)" + p
	}
	return regexp.MustCompile(p)
}

func matchNumber(l *store.Leaf, text string) bool {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return false // what else ParseFloat reads is no number here
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	values := make([]float64, len(l.Values))
	for i, v := range l.Values {
		if values[i], err = strconv.ParseFloat(v, 64); err != nil {
			panic("BUG: not a number in a filter: " + v)
		}
	}
	switch l.Match {
	case store.NumEqual:
		return x == values[0]
	case store.NumLess:
		return x < values[0]
	case store.NumLessOrEqual:
		return x <= values[0]
	case store.NumGreater:
		return x > values[0]
	case store.NumGreaterOrEqual:
		return x >= values[0]
	}
	return values[0] <= x && x <= values[1]
}
