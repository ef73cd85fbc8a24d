// Bots: which user agents are programs, by the rules in rules/bots.txt (S23).
package enrich

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed rules/bots.txt
var botRulesText string

// botRules are the compiled rules. They are read-only once built.
type botRules struct {
	verdicts []botVerdict
	whole    map[string]int // user agent -> verdict
	phrases  *phraseSet     // ids are indexes of tests
	tests    []botTest
	excepts  []botTest
}

// botVerdict is what a rule says. A lower index wins.
type botVerdict struct {
	text        string // "bot_crawler@1"
	browserOnly bool   // not for events sent with an API secret
}

// botTest is one line of a rule.
type botTest struct {
	verdict int
	text    string
	starts  bool // only at the beginning
	word    bool // no letter may follow
}

var loadBotRules = sync.OnceValue(func() *botRules {
	r, err := parseBotRules(botRulesText)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return r
})

// parseBotRules reads the format that rules/bots.txt explains.
func parseBotRules(text string) (*botRules, error) {
	r := &botRules{whole: map[string]int{}, phrases: newPhraseSet()}
	version := 0
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(strings.TrimRight(line, " \t\r"), "#")
		op, arg, _ := strings.Cut(line, " ")
		if err := r.addLine(op, lowerASCII(arg), &version); err != nil {
			return nil, fmt.Errorf("read bot rules: line %d: %w", i+1, err)
		}
	}
	return r, nil
}

func (r *botRules) addLine(op, arg string, version *int) error {
	verdict := len(r.verdicts) - 1
	switch op {
	case "":
		return nil
	case "version":
		n, err := strconv.Atoi(arg)
		*version = n
		return err
	case "rule":
		name, flag, _ := strings.Cut(arg, " ")
		if *version == 0 || name == "" || flag != "" && flag != "browser" {
			return fmt.Errorf("rule %q needs a version before it and a name", arg)
		}
		r.verdicts = append(r.verdicts, botVerdict{name + "@" + strconv.Itoa(*version), flag != ""})
		return nil
	case "is":
		if _, known := r.whole[arg]; !known {
			r.whole[arg] = verdict
		}
		return nil
	case "starts", "has", "word", "except":
		if len(arg) < phraseMin {
			return fmt.Errorf("text %q is shorter than %d", arg, phraseMin)
		}
		t := botTest{verdict: verdict, text: arg, starts: op == "starts", word: op == "word"}
		if op == "except" {
			r.excepts = append(r.excepts, t)
			return nil
		}
		r.phrases.add(arg, len(r.tests))
		r.tests = append(r.tests, t)
		return nil
	}
	return fmt.Errorf("unknown word %q", op)
}

// find returns the verdict on a user agent in lower case, nil for a person's.
func (r *botRules) find(lower string) *botVerdict {
	best := len(r.verdicts)
	if v, ok := r.whole[lower]; ok {
		best = v
	}
	for i := 0; i+phraseMin <= len(lower); i++ {
		for _, p := range r.phrases.at(lower, i) {
			if t := &r.tests[p.id]; t.verdict < best && t.holds(lower, i) && !r.excepted(t, lower, i) {
				best = t.verdict
			}
		}
	}
	if best == len(r.verdicts) {
		return nil
	}
	return &r.verdicts[best]
}

// holds tells whether the test is met by what begins at lower[i].
func (t *botTest) holds(lower string, i int) bool {
	if t.starts && i > 0 || !strings.HasPrefix(lower[i:], t.text) {
		return false
	}
	end := i + len(t.text)
	return !t.word || end == len(lower) || lower[end] < 'a' || lower[end] > 'z'
}

// excepted tells whether lower[i] lies in a text that the rule of t excepts:
// the "bot" of a "cubot" telephone.
func (r *botRules) excepted(t *botTest, lower string, i int) bool {
	for _, x := range r.excepts {
		for at := max(0, i-len(x.text)+1); x.verdict == t.verdict && at <= i; at++ {
			if strings.HasPrefix(lower[at:], x.text) {
				return true
			}
		}
	}
	return false
}
