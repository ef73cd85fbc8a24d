// The long tail of user agents: the patterns of ua-parser, tried only where
// the texts they need occur.
package enrich

import (
	"bytes"
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v4"
)

// maxTrials bounds the patterns that one user agent can cost. Real ones need
// less than half of it; beyond, a text made to be slow gets no answer (N2).
// The bound counts patterns and not time, so that it decides the same
// everywhere and always (N1).
const maxTrials = 16

// maxPattern is the largest pattern that is used, in instructions of the
// compiled expression. The one that is larger lists some hundred crawlers and
// takes a tenth of a millisecond to say no; rules/bots.txt is there for them.
const maxPattern = 1000

// tail holds the compiled patterns. It is read-only once built.
type tail struct {
	browsers patternList[uaparser.UserAgent]
	systems  patternList[uaparser.Os]
}

// patternList is patterns in order of precedence; the first that matches wins.
type patternList[T any] struct {
	patterns []pattern[T]
	needs    int        // how many requirements all patterns have
	texts    *phraseSet // ids are numbers of requirements
}

// pattern is one regular expression and the numbers of its requirements.
type pattern[T any] struct {
	match func(string, *T)
	needs []int
}

// maxNeeds is how many requirements fit the bit set of a search.
const maxNeeds = 32 * 64

// loadTail compiles the patterns once per process. It takes some 100 ms, so
// it waits until a user agent needs it.
var loadTail = sync.OnceValue(func() *tail {
	t, err := newTail(uaparser.DefinitionYaml)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return t
})

func newTail(definitions []byte) (*tail, error) {
	// Device patterns are more than half of all and none is needed.
	if i := bytes.Index(definitions, []byte("\ndevice_parsers:")); i >= 0 {
		definitions = definitions[:i+1]
	}
	var def uaparser.RegexDefinitions
	if err := yaml.Unmarshal(definitions, &def); err != nil {
		return nil, fmt.Errorf("read user agent patterns: %w", err)
	}
	p, err := uaparser.New(uaparser.WithRegexDefinitions(def))
	if err != nil {
		return nil, fmt.Errorf("compile user agent patterns: %w", err)
	}
	t := &tail{}
	t.browsers.texts, t.systems.texts = newPhraseSet(), newPhraseSet()
	for _, ua := range p.UA {
		if patternSize(ua.Expr) <= maxPattern {
			t.browsers.add(ua.Expr, ua.Match)
		}
	}
	for _, os := range p.OS {
		t.systems.add(os.Expr, os.Match)
	}
	if t.browsers.needs > maxNeeds || t.systems.needs > maxNeeds {
		return nil, errors.New("too many user agent patterns")
	}
	return t, nil
}

// patternSize returns the instructions of a compiled expression.
func patternSize(expr string) int {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

func (l *patternList[T]) add(expr string, match func(string, *T)) {
	p := pattern[T]{match: match}
	for _, n := range requiredTexts(expr) {
		p.needs = append(p.needs, l.needs)
		for _, text := range n {
			l.texts.add(text, l.needs)
		}
		l.needs++
	}
	l.patterns = append(l.patterns, p)
}

// find fills v from the first pattern that matches and tells whether one did.
// lower is agent in lower case.
func (l *patternList[T]) find(agent, lower string, v *T, isSet func(*T) bool) bool {
	var met [maxNeeds / 64]uint64
	for i := 0; i+phraseMin <= len(lower); i++ {
		for _, p := range l.texts.at(lower, i) {
			if strings.HasPrefix(lower[i:], p.text) {
				met[p.id>>6] |= 1 << (p.id & 63)
			}
		}
	}
	trials := 0
patterns:
	for _, p := range l.patterns {
		for _, id := range p.needs {
			if met[id>>6]&(1<<(id&63)) == 0 {
				continue patterns
			}
		}
		if p.match(agent, v); isSet(v) {
			return true
		}
		if trials++; trials == maxTrials {
			return false
		}
	}
	return false
}

// browser returns the family of a user agent, "" if unknown.
func (t *tail) browser(agent, lower string) string {
	var ua uaparser.UserAgent
	if !t.browsers.find(agent, lower, &ua, func(u *uaparser.UserAgent) bool { return u.Family != "" }) {
		return ""
	}
	return ua.Family
}

// system returns the family and version of an operating system, "" if unknown.
func (t *tail) system(agent, lower string) (family, major, minor string) {
	var os uaparser.Os
	if !t.systems.find(agent, lower, &os, func(o *uaparser.Os) bool { return o.Family != "" }) {
		return "", "", ""
	}
	return os.Family, os.Major, os.Minor
}
