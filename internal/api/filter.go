// Filter expressions of the Data API.
package api

import "tidemark/internal/report"

// readFilter reads a FilterExpression; nil if it is unset.
func readFilter(n node, depth int) *report.Filter {
	if !n.set() {
		return nil
	}
	if depth > report.MaxFilterDepth {
		n.r.fail(n.path, "filters nest at most %d deep", report.MaxFilterDepth)
		return nil
	}
	f := n.fields()
	and, or, not, field := f.get("andGroup"), f.get("orGroup"), f.get("notExpression"), f.get("filter")
	f.done()
	if !oneOf(n, "a filter expression", and, or, not, field) {
		return nil
	}
	switch {
	case and.set():
		return &report.Filter{And: readGroup(and, depth)}
	case or.set():
		return &report.Filter{Or: readGroup(or, depth)}
	case not.set():
		return &report.Filter{Not: readFilter(not, depth+1)}
	}
	return &report.Filter{Field: readField(field)}
}

func readGroup(n node, depth int) []*report.Filter {
	f := n.fields()
	var all []*report.Filter
	f.get("expressions").list(func(item node) { all = append(all, readFilter(item, depth+1)) })
	f.done()
	if len(all) == 0 {
		n.r.fail(join(n.path, "expressions"), "a group needs an expression")
	}
	return all
}

func readField(n node) *report.FieldFilter {
	f := n.fields()
	out := &report.FieldFilter{Name: f.get("fieldName").text()}
	text, list, number, between, empty := f.get("stringFilter"), f.get("inListFilter"), f.get("numericFilter"),
		f.get("betweenFilter"), f.get("emptyFilter")
	f.done()
	if !oneOf(n, "a filter", text, list, number, between, empty) {
		return out
	}
	switch {
	case text.set():
		readTextFilter(text, out)
	case list.set():
		f := list.fields()
		out.Match, out.Values, out.CaseSensitive = report.MatchIn, f.get("values").texts(), f.get("caseSensitive").boolean()
		f.done()
	case number.set():
		readNumberFilter(number, out)
	case between.set():
		f := between.fields()
		out.Match = report.MatchNumBetween
		out.Numbers = []float64{readNumber(f.get("fromValue")), readNumber(f.get("toValue"))}
		f.done()
	default:
		empty.fields().done()
		out.Match, out.Values, out.CaseSensitive = report.MatchIn, []string{"", "(not set)"}, true
	}
	return out
}

func readTextFilter(n node, out *report.FieldFilter) {
	f := n.fields()
	out.Match = [...]report.Match{report.MatchExact, report.MatchExact, report.MatchBeginsWith, report.MatchEndsWith,
		report.MatchContains, report.MatchFullRegexp, report.MatchPartialRegexp}[f.get("matchType").enum(
		"MATCH_TYPE_UNSPECIFIED", "EXACT", "BEGINS_WITH", "ENDS_WITH", "CONTAINS", "FULL_REGEXP", "PARTIAL_REGEXP")]
	out.Values = []string{f.get("value").text()}
	out.CaseSensitive = f.get("caseSensitive").boolean()
	f.done()
}

func readNumberFilter(n node, out *report.FieldFilter) {
	f := n.fields()
	operation := f.get("operation")
	kind := operation.enum("OPERATION_UNSPECIFIED", "EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL")
	if kind == 0 {
		n.r.fail(operation.path, "an operation is needed: EQUAL, LESS_THAN, ...")
	}
	out.Match = [...]report.Match{report.MatchNumEqual, report.MatchNumEqual, report.MatchNumLess,
		report.MatchNumLessOrEqual, report.MatchNumGreater, report.MatchNumGreaterOrEqual}[kind]
	out.Numbers = []float64{readNumber(f.get("value"))}
	f.done()
}

// readNumber reads a NumericValue.
func readNumber(n node) float64 {
	f := n.fields()
	whole, float := f.get("int64Value"), f.get("doubleValue")
	f.done()
	switch {
	case !oneOf(n, "a number", whole, float):
		return 0
	case whole.set():
		return float64(whole.whole(-1<<63, 1<<63-1))
	}
	return float.float()
}
