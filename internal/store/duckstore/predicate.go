// Predicates: filters as SQL over the text of a dimension. Case-insensitive
// comparison is RE2's, whose simple folding is that of Go's regexp (S36);
// lower() is not the same: it maps U+0130 to "i" and leaves U+017F.
package duckstore

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"tidemark/internal/store"
)

// numberPattern is what numeric comparisons take for a number.
const numberPattern = `[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?`

// predicate renders p; text renders a dimension as its text.
func predicate(p *store.Predicate, text func(store.Dimension) (string, error)) (string, error) {
	switch {
	case p == nil:
		return "true", nil
	case p.Leaf != nil:
		x, err := text(p.Leaf.Dimension)
		if err != nil {
			return "", err
		}
		return leaf(p.Leaf, x)
	case p.Not != nil:
		sub, err := predicate(p.Not, text)
		return "(NOT " + sub + ")", err
	case len(p.And) > 0:
		return junction(p.And, " AND ", text)
	case len(p.Or) > 0:
		return junction(p.Or, " OR ", text)
	}
	return "true", nil
}

func junction(ps []*store.Predicate, op string,
	text func(store.Dimension) (string, error)) (string, error) {
	parts := make([]string, len(ps))
	for i, p := range ps {
		var err error
		if parts[i], err = predicate(p, text); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

func leaf(l *store.Leaf, x string) (string, error) {
	want := 1
	switch {
	case l.Match == store.NumBetween:
		want = 2
	case l.Match == store.In:
		want = len(l.Values)
	}
	if len(l.Values) != want {
		return "", fmt.Errorf("filter on %s has %d values, want %d",
			l.Dimension.Column, len(l.Values), want)
	}
	switch l.Match {
	case store.FullRegexp, store.PartialRegexp:
		return regexpLeaf(l, x)
	case store.Exact, store.BeginsWith, store.EndsWith, store.Contains, store.In:
		if l.CaseSensitive || !foldable(l.Values) {
			return exactLeaf(l, x), nil
		}
		return foldedLeaf(l, x), nil
	}
	return numericLeaf(l, x)
}

// foldable says whether folding can make a difference to any of the texts.
func foldable(texts []string) bool {
	for _, s := range texts {
		for _, r := range s {
			if unicode.SimpleFold(r) != r {
				return true
			}
		}
	}
	return false
}

func exactLeaf(l *store.Leaf, x string) string {
	switch l.Match {
	case store.BeginsWith:
		return fmt.Sprintf("starts_with(%s, %s)", x, quote(l.Values[0]))
	case store.EndsWith:
		return fmt.Sprintf("ends_with(%s, %s)", x, quote(l.Values[0]))
	case store.Contains:
		return fmt.Sprintf("contains(%s, %s)", x, quote(l.Values[0]))
	case store.In:
		if len(l.Values) == 0 {
			return "false"
		}
		lits := make([]string, len(l.Values))
		for i, v := range l.Values {
			lits[i] = quote(v)
		}
		return fmt.Sprintf("(%s IN (%s))", x, strings.Join(lits, ", "))
	}
	return fmt.Sprintf("(%s = %s)", x, quote(l.Values[0]))
}

func foldedLeaf(l *store.Leaf, x string) string {
	alternatives := make([]string, len(l.Values))
	for i, v := range l.Values {
		alternatives[i] = quotePattern(v)
	}
	body := "(?:" + strings.Join(alternatives, "|") + ")"
	switch l.Match {
	case store.BeginsWith:
		body = `\A` + body
	case store.EndsWith:
		body += `\z`
	case store.Exact, store.In:
		body = `\A` + body + `\z`
	}
	return fmt.Sprintf("regexp_matches(%s, %s)", x, quote("(?is)"+body))
}

// quotePattern returns a pattern that matches s and nothing else. A zero byte
// cannot stand in the text of a statement.
func quotePattern(s string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(strings.ToValidUTF8(s, "\uFFFD")), "\x00", `\x00`)
}

func regexpLeaf(l *store.Leaf, x string) (string, error) {
	pattern := l.Values[0]
	if _, err := regexp.Compile(pattern); err != nil {
		return "", fmt.Errorf("filter on %s: %w", l.Dimension.Column, err)
	}
	if !l.CaseSensitive {
		pattern = "(?i)" + pattern
	}
	pattern = strings.ReplaceAll(pattern, "\x00", `\x00`)
	if l.Match == store.FullRegexp {
		return fmt.Sprintf("regexp_full_match(%s, %s)", x, quote(pattern)), nil
	}
	return fmt.Sprintf("regexp_matches(%s, %s)", x, quote(pattern)), nil
}

func numericLeaf(l *store.Leaf, x string) (string, error) {
	lits := make([]string, len(l.Values))
	for i, v := range l.Values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "", fmt.Errorf("filter on %s: %q is not a number", l.Dimension.Column, v)
		}
		lits[i] = "CAST('" + strconv.FormatFloat(f, 'g', -1, 64) + "' AS DOUBLE)"
	}
	n := fmt.Sprintf("CASE WHEN regexp_full_match(%s, %s) THEN TRY_CAST(%s AS DOUBLE) END",
		x, quote(numberPattern), x)
	var cond string
	switch l.Match {
	case store.NumEqual:
		cond = " = " + lits[0]
	case store.NumLess:
		cond = " < " + lits[0]
	case store.NumLessOrEqual:
		cond = " <= " + lits[0]
	case store.NumGreater:
		cond = " > " + lits[0]
	case store.NumGreaterOrEqual:
		cond = " >= " + lits[0]
	case store.NumBetween:
		cond = " BETWEEN " + lits[0] + " AND " + lits[1]
	default:
		return "", fmt.Errorf("filter on %s: unknown match %d", l.Dimension.Column, l.Match)
	}
	return "coalesce((" + n + ")" + cond + ", false)", nil
}
