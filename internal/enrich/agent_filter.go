// Required texts of a regular expression: which fixed texts must occur in
// anything it matches. A pattern whose texts are absent need not be tried, and
// that is how six hundred patterns cost as much as a handful.
package enrich

import (
	"regexp/syntax"
	"strings"
)

const (
	maxExact = 16  // texts an expression may stand for before they are given up
	maxNeed  = 512 // alternatives in one requirement
)

// need is a requirement: at least one of the texts (lower case) occurs.
type need []string

// literals describes what an expression matches: exactly one of exact, if
// that is not nil, else something for which all of needs hold.
type literals struct {
	exact []string
	needs []need
}

// requiredTexts returns what must all hold for a text that expr matches;
// nothing if that is unknown or too short to be of use.
func requiredTexts(expr string) []need {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	var needs []need
	for _, n := range literalsOf(re.Simplify()).asNeeds() {
		if n.shortest() >= phraseMin {
			needs = append(needs, n)
		}
	}
	return needs
}

func literalsOf(re *syntax.Regexp) literals {
	switch re.Op {
	case syntax.OpLiteral:
		return literals{exact: []string{lowerASCII(string(re.Rune))}}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText,
		syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return literals{exact: []string{""}}
	case syntax.OpCharClass:
		return literals{exact: classTexts(re.Rune)}
	case syntax.OpCapture:
		return literalsOf(re.Sub[0])
	case syntax.OpPlus:
		return literals{needs: literalsOf(re.Sub[0]).asNeeds()}
	case syntax.OpQuest:
		if l := literalsOf(re.Sub[0]); l.exact != nil {
			return literals{exact: limitTexts(append([]string{""}, l.exact...), maxExact)}
		}
		return literals{}
	case syntax.OpConcat:
		return concatLiterals(re.Sub)
	case syntax.OpAlternate:
		return alternateLiterals(re.Sub)
	}
	return literals{}
}

// classTexts lists a small character class, nil for a large one.
func classTexts(ranges []rune) []string {
	var texts []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= 8 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			texts = append(texts, lowerASCII(string(r)))
		}
	}
	return limitTexts(texts, 8)
}

// concatLiterals joins neighbours as long as they are exact; each run and what
// lies between is a requirement of its own.
func concatLiterals(subs []*syntax.Regexp) literals {
	run, whole := []string{""}, true
	var needs []need
	for _, sub := range subs {
		l := literalsOf(sub)
		if joined := crossTexts(run, l.exact); l.exact != nil && joined != nil {
			run = joined
			continue
		}
		whole = false
		needs = append(append(needs, need(run)), l.needs...)
		if run = l.exact; run == nil {
			run = []string{""}
		}
	}
	if whole {
		return literals{exact: run}
	}
	return literals{needs: append(needs, need(run))}
}

// alternateLiterals asks for the best requirement of any branch.
func alternateLiterals(subs []*syntax.Regexp) literals {
	var exact []string
	var any need
	isExact := true
	for _, sub := range subs {
		l := literalsOf(sub)
		isExact = isExact && l.exact != nil
		exact = append(exact, l.exact...)
		best := need(nil)
		for _, n := range l.asNeeds() {
			best = better(best, n)
		}
		if best == nil {
			return literals{}
		}
		any = append(any, best...)
	}
	if exact = limitTexts(exact, maxExact); isExact && exact != nil {
		return literals{exact: exact}
	}
	if any = limitTexts(any, maxNeed); any == nil {
		return literals{}
	}
	return literals{needs: []need{any}}
}

func (l literals) asNeeds() []need {
	if l.exact != nil {
		return []need{l.exact}
	}
	return l.needs
}

// shortest returns the length of the shortest text, 0 if there is none.
func (n need) shortest() int {
	if len(n) == 0 {
		return 0
	}
	least := len(n[0])
	for _, s := range n {
		least = min(least, len(s))
	}
	return least
}

// better returns the requirement that fewer texts meet: the one whose
// shortest text is longer, then the one with fewer texts.
func better(a, b need) need {
	switch x, y := min(a.shortest(), 8), min(b.shortest(), 8); {
	case x != y && x < y:
		return b
	case x != y:
		return a
	case len(b) > 0 && len(b) < len(a):
		return b
	}
	return a
}

// crossTexts returns each of a followed by each of b, nil if they are too many.
func crossTexts(a, b []string) []string {
	if len(a)*len(b) > maxExact {
		return nil
	}
	joined := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			joined = append(joined, x+y)
		}
	}
	return limitTexts(joined, maxExact)
}

// limitTexts drops repeated texts and returns nil if more than limit are left.
func limitTexts(texts []string, limit int) []string {
	var kept []string
	for _, t := range texts {
		if !containsText(kept, t) {
			kept = append(kept, strings.Clone(t))
		}
		if len(kept) > limit {
			return nil
		}
	}
	return kept
}

func containsText(texts []string, t string) bool {
	for _, k := range texts {
		if k == t {
			return true
		}
	}
	return false
}
