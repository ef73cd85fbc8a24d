// Filter expressions of the spec language.
package spec

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/internal/report"
	"tidemark/internal/store"
)

// A filter reads
//
//	pagePath begins '/blog' and not (country in ('DE', 'AT') or hour >= 12)
//
// Comparisons of texts: is, begins, ends, contains, matches (regular expression,
// the whole value), finds (regular expression, anywhere), in (...); a "case"
// before the value makes letters' case matter. Of numbers: = < <= > >= and
// "between 1 2". "and" binds closer than "or".
type filterParser struct {
	words []string
	at    int
}

// parseFilter reads a filter expression.
func parseFilter(s string) (*report.Filter, error) {
	words, err := filterWords(s)
	if err != nil {
		return nil, err
	}
	p := &filterParser{words: words}
	f, err := p.or()
	if err == nil && p.at < len(p.words) {
		err = fmt.Errorf("%q is left over", p.words[p.at])
	}
	if err != nil {
		return nil, fmt.Errorf("read filter %s: %w", s, err)
	}
	return f, nil
}

// filterWords splits into names, operators and values; a value in single quotes keeps
// its opening quote, so that it is told from a word.
func filterWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		switch {
		case s[0] == '\'':
			end := strings.IndexByte(s[1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("a quote is not closed: %s", s)
			}
			words, s = append(words, s[:end+1]), s[end+2:]
		case strings.ContainsRune("(),", rune(s[0])):
			words, s = append(words, s[:1]), s[1:]
		default:
			end := strings.IndexAny(s, " (),")
			if end < 0 {
				end = len(s)
			}
			words, s = append(words, s[:end]), s[end:]
		}
	}
	return words, nil
}

func (p *filterParser) next() string {
	if p.at == len(p.words) {
		return ""
	}
	p.at++
	return p.words[p.at-1]
}

// skip takes the next word if it is w.
func (p *filterParser) skip(w string) bool {
	if p.at < len(p.words) && p.words[p.at] == w {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) or() (*report.Filter, error) {
	list, err := p.list("or", p.and)
	if err != nil || len(list) == 1 {
		return first(list), err
	}
	return &report.Filter{Or: list}, nil
}

func (p *filterParser) and() (*report.Filter, error) {
	list, err := p.list("and", p.not)
	if err != nil || len(list) == 1 {
		return first(list), err
	}
	return &report.Filter{And: list}, nil
}

func (p *filterParser) list(between string, part func() (*report.Filter, error)) ([]*report.Filter, error) {
	var list []*report.Filter
	for {
		f, err := part()
		if err != nil {
			return nil, err
		}
		list = append(list, f)
		if !p.skip(between) {
			return list, nil
		}
	}
}

func first(list []*report.Filter) *report.Filter {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (p *filterParser) not() (*report.Filter, error) {
	if p.skip("not") {
		f, err := p.not()
		return &report.Filter{Not: f}, err
	}
	if p.skip("(") {
		f, err := p.or()
		if err == nil && !p.skip(")") {
			err = fmt.Errorf("a bracket is not closed")
		}
		return f, err
	}
	f, err := p.field()
	return &report.Filter{Field: f}, err
}

func (p *filterParser) field() (*report.FieldFilter, error) {
	f := &report.FieldFilter{Name: p.next()}
	op := p.next()
	if m, ok := numberMatches()[op]; ok {
		f.Match = m
		return f, p.numbers(f)
	}
	m, ok := textMatches()[op]
	if !ok {
		return nil, fmt.Errorf("%q is no comparison", op)
	}
	f.Match = m
	f.CaseSensitive = p.skip("case")
	if m == store.In {
		return f, p.values(f)
	}
	return f, p.value(f)
}

func textMatches() map[string]store.Match {
	return map[string]store.Match{
		"is": store.Exact, "begins": store.BeginsWith, "ends": store.EndsWith, "contains": store.Contains,
		"matches": store.FullRegexp, "finds": store.PartialRegexp, "in": store.In,
	}
}

func numberMatches() map[string]store.Match {
	return map[string]store.Match{
		"=": store.NumEqual, "<": store.NumLess, "<=": store.NumLessOrEqual, ">": store.NumGreater,
		">=": store.NumGreaterOrEqual, "between": store.NumBetween,
	}
}

func (p *filterParser) value(f *report.FieldFilter) error {
	v, ok := strings.CutPrefix(p.next(), "'")
	if !ok {
		return fmt.Errorf("want a value in single quotes behind %s", f.Name)
	}
	f.Values = append(f.Values, v)
	return nil
}

func (p *filterParser) values(f *report.FieldFilter) error {
	if !p.skip("(") {
		return fmt.Errorf("want a bracket behind in")
	}
	for {
		if err := p.value(f); err != nil {
			return err
		}
		if p.skip(")") {
			return nil
		}
		if !p.skip(",") {
			return fmt.Errorf("want a comma or bracket in the list of %s", f.Name)
		}
	}
}

func (p *filterParser) numbers(f *report.FieldFilter) error {
	want := 1
	if f.Match == store.NumBetween {
		want = 2
	}
	for range want {
		n, err := strconv.ParseFloat(p.next(), 64)
		if err != nil {
			return fmt.Errorf("read number: %w", err)
		}
		f.Numbers = append(f.Numbers, n)
	}
	return nil
}
