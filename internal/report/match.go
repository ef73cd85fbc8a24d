// Comparing texts in Go, by the rules that stores follow too (S36).
package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// textMatch checks f and returns its comparison of one dimension text.
func textMatch(path string, f *FieldFilter) (func(string) bool, error) {
	if isNumeric(f.Match) {
		if err := checkNumbers(path, f); err != nil {
			return nil, err
		}
		match := numberMatch(f.Match, f.Numbers)
		return func(text string) bool {
			x, ok := parseNumber(text)
			return ok && match(x)
		}, nil
	}
	if err := checkValues(path, f); err != nil {
		return nil, err
	}
	switch f.Match {
	case MatchIn:
		return inMatch(f), nil
	case MatchExact, MatchBeginsWith, MatchEndsWith, MatchContains, MatchFullRegexp, MatchPartialRegexp:
	default:
		return nil, invalid(path, "there is no such comparison")
	}
	re, err := regexp.Compile(pattern(f))
	if err != nil {
		return nil, &InvalidError{Field: path, Message: fmt.Sprintf("the regular expression cannot be read: %v", err),
			Hint: "RE2 syntax is understood"}
	}
	return re.MatchString, nil
}

func checkValues(path string, f *FieldFilter) error {
	if f.Match != MatchIn && len(f.Values) != 1 {
		return invalid(path, "the comparison takes one value and has %d", len(f.Values))
	}
	if len(f.Values) == 0 {
		return invalid(path, "the list of values is empty")
	}
	if len(f.Values) > MaxListValues {
		return invalid(path, "a list has at most %d values", MaxListValues)
	}
	most := MaxFilterValue
	if f.Match == MatchFullRegexp || f.Match == MatchPartialRegexp {
		most = MaxPattern
	}
	for _, v := range f.Values {
		if len(v) > most {
			return invalid(path, "a value to compare with has at most %d bytes", most)
		}
	}
	return nil
}

// pattern writes every text comparison as one regular expression, so that
// folding of case is the same in all of them.
func pattern(f *FieldFilter) string {
	flags := "(?s)"
	if !f.CaseSensitive {
		flags = "(?is)"
	}
	v := f.Values[0]
	switch f.Match {
	case MatchExact:
		return flags + `\A` + regexp.QuoteMeta(v) + `\z`
	case MatchBeginsWith:
		return flags + `\A` + regexp.QuoteMeta(v)
	case MatchEndsWith:
		return flags + regexp.QuoteMeta(v) + `\z`
	case MatchContains:
		return flags + regexp.QuoteMeta(v)
	case MatchFullRegexp:
		return regexpFlags(f) + `\A(?:` + v + `)\z`
	}
	return regexpFlags(f) + v
}

// regexpFlags leaves the meaning of "." to the pattern's author.
func regexpFlags(f *FieldFilter) string {
	if f.CaseSensitive {
		return ""
	}
	return "(?i)"
}

func inMatch(f *FieldFilter) func(string) bool {
	if f.CaseSensitive {
		set := make(map[string]bool, len(f.Values))
		for _, v := range f.Values {
			set[v] = true
		}
		return func(text string) bool { return set[text] }
	}
	return func(text string) bool {
		for _, v := range f.Values {
			if strings.EqualFold(text, v) {
				return true
			}
		}
		return false
	}
}

// parseNumber reads a plain decimal number; other notations of Go are no numbers.
func parseNumber(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

// cut keeps texts of a query short in messages about it.
func cut(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
