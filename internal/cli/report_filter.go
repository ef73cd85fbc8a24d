// The conditions of --filter and what they become in a request.
package cli

import (
	"slices"
	"strconv"
	"strings"
)

// operator is how a condition is written and what it means. Longer spellings
// come first, so that >= is not read as >.
type operator struct {
	text    string
	match   string // matchType of a string filter
	number  string // operation of a numeric filter
	negated bool
}

func operators() []operator {
	return []operator{
		{text: "==", match: "EXACT", number: "EQUAL"},
		{text: "!=", match: "EXACT", number: "EQUAL", negated: true},
		{text: ">=", number: "GREATER_THAN_OR_EQUAL"},
		{text: "<=", number: "LESS_THAN_OR_EQUAL"},
		{text: "=@", match: "CONTAINS"},
		{text: "!@", match: "CONTAINS", negated: true},
		{text: "=^", match: "BEGINS_WITH"},
		{text: "=$", match: "ENDS_WITH"},
		{text: "=~", match: "PARTIAL_REGEXP"},
		{text: "!~", match: "PARTIAL_REGEXP", negated: true},
		{text: ">", number: "GREATER_THAN"},
		{text: "<", number: "LESS_THAN"},
	}
}

// parseFilter reads one --filter. kind is the field of the request: a
// condition on a metric of the report is a metric filter.
func parseFilter(text string, metrics []string) (kind string, expression any, err error) {
	var alternatives []any
	for part := range strings.SplitSeq(text, "||") {
		k, e, err := parseCondition(strings.TrimSpace(part), metrics)
		if err != nil {
			return "", nil, err
		}
		if kind != "" && k != kind {
			return "", nil, usagef("--filter: %q mixes dimensions and metrics", text)
		}
		kind = k
		alternatives = append(alternatives, e)
	}
	return kind, group("orGroup", alternatives), nil
}

func parseCondition(text string, metrics []string) (kind string, expression any, err error) {
	at, op := findOperator(text)
	if at <= 0 {
		return "", nil, usagef("--filter: %q is not NAME, an operator and a value; operators are == != =@ !@ =^ =$ =~ !~ > >= < <=", text)
	}
	name, operand := strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+len(op.text):])
	filter := map[string]any{"fieldName": name}
	switch {
	case slices.Contains(metrics, name):
		kind = "metricFilter"
		number, ok := numeric(operand)
		if op.number == "" || !ok {
			return "", nil, usagef("--filter: %q compares a metric with something that is no number", text)
		}
		filter["numericFilter"] = map[string]any{"operation": op.number, "value": number}
	case op.match == "":
		return "", nil, usagef("--filter: %s is not a metric of this report; add it to --metrics", name)
	default:
		kind = "dimensionFilter"
		filter["stringFilter"] = map[string]any{"matchType": op.match, "value": operand}
	}
	expression = map[string]any{"filter": filter}
	if op.negated {
		expression = map[string]any{"notExpression": expression}
	}
	return kind, expression, nil
}

// findOperator returns the leftmost operator, the longest of those there.
func findOperator(text string) (at int, found operator) {
	at = -1
	for _, op := range operators() {
		if i := strings.Index(text, op.text); i >= 0 && (at < 0 || i < at) {
			at, found = i, op
		}
	}
	return at, found
}

// numeric returns a NumericValue; int64 travels as text.
func numeric(s string) (map[string]any, bool) {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return map[string]any{"int64Value": s}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return map[string]any{"doubleValue": f}, err == nil
}
