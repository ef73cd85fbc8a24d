// Filters: and, or, not, and the comparisons (S36).
package oracle

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"tidemark/internal/report"
	"tidemark/internal/store"
)

// cell gives the value of a named dimension or metric.
type cell func(name string) (text string, number float64, isNumber bool, err error)

// holds tells whether f is true of a cell. A nil filter always holds.
func holds(f *report.Filter, at cell) (bool, error) {
	switch {
	case f == nil:
		return true, nil
	case f.Not != nil:
		ok, err := holds(f.Not, at)
		return !ok, err
	case f.And != nil:
		return holdsAll(f.And, true, at)
	case f.Or != nil:
		ok, err := holdsAll(f.Or, false, at)
		return ok, err
	case f.Field != nil:
		return compare(f.Field, at)
	}
	return false, errors.New("read filter: it says nothing")
}

// holdsAll evaluates a list: an "and" if want is true, else an "or". Every
// part is looked at, so that an unknown name is found wherever it stands.
func holdsAll(list []*report.Filter, want bool, at cell) (bool, error) {
	result := want
	for _, f := range list {
		ok, err := holds(f, at)
		if err != nil {
			return false, err
		}
		if ok != want {
			result = !want
		}
	}
	return result, nil
}

func compare(f *report.FieldFilter, at cell) (bool, error) {
	text, number, isNumber, err := at(f.Name)
	if err != nil {
		return false, err
	}
	if len(f.Numbers) > 0 {
		if !isNumber {
			number, err = strconv.ParseFloat(text, 64)
			if err != nil {
				return false, nil // What is no number matches no number.
			}
		}
		return compareNumbers(f, number)
	}
	if f.Match == store.FullRegexp || f.Match == store.PartialRegexp {
		return compareRegexp(f, text)
	}
	return compareTexts(f, text)
}

func compareNumbers(f *report.FieldFilter, x float64) (bool, error) {
	n := f.Numbers
	switch f.Match {
	case store.NumEqual:
		return x == n[0], nil
	case store.NumLess:
		return x < n[0], nil
	case store.NumLessOrEqual:
		return x <= n[0], nil
	case store.NumGreater:
		return x > n[0], nil
	case store.NumGreaterOrEqual:
		return x >= n[0], nil
	case store.NumBetween:
		return n[0] <= x && x <= n[1], nil
	}
	return false, fmt.Errorf("compare numbers: operator %d is for texts", f.Match)
}

func compareRegexp(f *report.FieldFilter, text string) (bool, error) {
	pattern := f.Values[0]
	if f.Match == store.FullRegexp {
		pattern = `\A(?:` + pattern + `)\z`
	}
	if !f.CaseSensitive {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, fmt.Errorf("read regular expression: %w", err)
	}
	return re.MatchString(text), nil
}

func compareTexts(f *report.FieldFilter, text string) (bool, error) {
	for _, v := range f.Values {
		a, b := text, v
		if !f.CaseSensitive {
			a, b = fold(a), fold(b)
		}
		var ok bool
		switch f.Match {
		case store.Exact, store.In:
			ok = a == b
		case store.BeginsWith:
			ok = strings.HasPrefix(a, b)
		case store.EndsWith:
			ok = strings.HasSuffix(a, b)
		case store.Contains:
			ok = strings.Contains(a, b)
		default:
			return false, fmt.Errorf("compare texts: operator %d is for numbers", f.Match)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// fold maps each rune to the smallest one that Unicode simple folding calls
// equal, so that texts equal but for case become the same.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}
