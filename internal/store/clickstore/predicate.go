// Predicates: filters as SQL over the text of a dimension. Case-insensitive
// comparison is by Go's simple folding (S36): each letter of a pattern becomes a class of
// those that it folds to. RE2's own tables are of another Unicode (docs/facts/clickhouse.md), and
// lowerUTF8() is another thing.
package clickstore

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"

	"tidemark/internal/store"
)

// numberPattern is what numeric comparisons take for a number.
const numberPattern = `\A[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\z`

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

func junction(ps []*store.Predicate, op string, text func(store.Dimension) (string, error)) (string, error) {
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
		return "", fmt.Errorf("filter on %s has %d values, want %d", l.Dimension.Column, len(l.Values), want)
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
		return fmt.Sprintf("startsWith(%s, %s)", x, quote(l.Values[0]))
	case store.EndsWith:
		return fmt.Sprintf("endsWith(%s, %s)", x, quote(l.Values[0]))
	case store.Contains:
		return fmt.Sprintf("(position(%s, %s) > 0)", x, quote(l.Values[0]))
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
		alternatives[i] = foldedPattern(v)
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
	return fmt.Sprintf("match(%s, %s)", x, quote(body))
}

// foldedPattern returns a pattern that matches what folds to s and nothing else.
func foldedPattern(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if unicode.SimpleFold(r) == r {
			b.WriteString(regexp.QuoteMeta(string(r)))
			continue
		}
		b.WriteByte('[')
		b.WriteRune(r)
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			b.WriteRune(other)
		}
		b.WriteByte(']')
	}
	return zeroByName(b.String())
}

// zeroByName: ClickHouse looks at patterns itself before RE2 does, and takes a zero byte for
// their end.
func zeroByName(pattern string) string { return strings.ReplaceAll(pattern, "\x00", `\x00`) }

func regexpLeaf(l *store.Leaf, x string) (string, error) {
	tree, err := syntax.Parse(l.Values[0], syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("filter on %s: %w", l.Dimension.Column, err)
	}
	pattern := l.Values[0]
	if strings.Contains(pattern, `\Q`) {
		pattern = tree.String() // a quotation need not end, but where the pattern does
	}
	// ClickHouse lets a dot match a new line unless it is told not to.
	flags := "(?-s)"
	if !l.CaseSensitive {
		flags = "(?i-s)"
	}
	pattern = "(?:" + zeroByName(pattern) + ")"
	if l.Match == store.FullRegexp {
		pattern = `\A` + pattern + `\z`
	}
	return fmt.Sprintf("match(%s, %s)", x, quote(flags+pattern)), nil
}

func numericLeaf(l *store.Leaf, x string) (string, error) {
	lits := make([]string, len(l.Values))
	for i, v := range l.Values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "", fmt.Errorf("filter on %s: %q is not a number", l.Dimension.Column, v)
		}
		lits[i] = "toFloat64('" + strconv.FormatFloat(f, 'g', -1, 64) + "')"
	}
	n := "toFloat64OrZero(" + x + ")"
	var cond string
	switch l.Match {
	case store.NumEqual:
		cond = n + " = " + lits[0]
	case store.NumLess:
		cond = n + " < " + lits[0]
	case store.NumLessOrEqual:
		cond = n + " <= " + lits[0]
	case store.NumGreater:
		cond = n + " > " + lits[0]
	case store.NumGreaterOrEqual:
		cond = n + " >= " + lits[0]
	case store.NumBetween:
		cond = n + " >= " + lits[0] + " AND " + n + " <= " + lits[1]
	default:
		return "", fmt.Errorf("filter on %s: unknown match %d", l.Dimension.Column, l.Match)
	}
	return fmt.Sprintf("(match(%s, %s) AND isFinite(%s) AND %s)", x, quote(numberPattern), n, cond), nil
}
