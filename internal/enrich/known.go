// Sites: what kind of source a well-known host or source name is, from
// rules/sources.txt.
package enrich

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

//go:embed rules/sources.txt
var knownText string

// sourceKind is a set of kinds of source.
type sourceKind uint8

const (
	kindSearch sourceKind = 1 << iota
	kindSocial
	kindVideo
	kindShopping
	kindAI
)

// kindOf returns the kind with that name in the rule files, 0 if unknown.
func kindOf(name string) sourceKind {
	switch name {
	case "search":
		return kindSearch
	case "social":
		return kindSocial
	case "video":
		return kindVideo
	case "shopping":
		return kindShopping
	case "ai":
		return kindAI
	}
	return 0
}

// knownSource is a well-known site or a name for it.
type knownSource struct {
	kinds      sourceKind
	name       string // of the search engine; for others the domain in the pattern
	subdomains bool   // the pattern holds for every subdomain
}

// knownTable is read-only once built.
type knownTable struct {
	exact map[string]knownSource // host or source name
	wild  map[string]knownSource // label before a public suffix
}

var loadKnown = sync.OnceValue(func() *knownTable {
	t, err := parseKnown(knownText)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return t
})

// parseKnown reads the format that rules/sources.txt explains.
func parseKnown(text string) (*knownTable, error) {
	t := &knownTable{exact: map[string]knownSource{}, wild: map[string]knownSource{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "version ") {
			continue
		}
		left, patterns, ok := strings.Cut(line, ":")
		kind, name, _ := strings.Cut(left, " ")
		if !ok || kindOf(kind) == 0 || name == "" {
			return nil, fmt.Errorf("read known sources: line %d: want \"KIND NAME: PATTERN ...\"", i+1)
		}
		for _, p := range strings.Fields(patterns) {
			t.add(kindOf(kind), name, lowerASCII(p))
		}
	}
	return t, nil
}

func (t *knownTable) add(kind sourceKind, name, pattern string) {
	host, exact := strings.CutPrefix(pattern, "=")
	s := knownSource{kinds: kind, name: name, subdomains: !exact && strings.Contains(host, ".")}
	table := t.exact
	if label, wild := strings.CutSuffix(host, ".*"); wild {
		table, host = t.wild, label
	} else if kind != kindSearch {
		s.name = host
	}
	if known, ok := table[host]; ok {
		s.kinds |= known.kinds
		s.name = known.name
		s.subdomains = s.subdomains || known.subdomains
	}
	table[host] = s
}

// find returns the site of a host or source name in lower case.
func (t *knownTable) find(name string) (knownSource, bool) {
	name = strings.TrimPrefix(name, "www.")
	if s, ok := t.exact[name]; ok {
		return s, true
	}
	for rest := name; ; {
		label, parent, more := strings.Cut(rest, ".")
		if !more {
			return knownSource{}, false
		}
		if s, ok := t.wild[label]; ok && (s.subdomains || rest == name) && isPublicSuffix(parent) {
			if s.kinds&kindSearch == 0 {
				s.name = rest // "pinterest.co.uk"
			}
			return s, true
		}
		if s, ok := t.exact[parent]; ok && s.subdomains {
			return s, true
		}
		rest = parent
	}
}

// isPublicSuffix tells whether domains are registered right under s.
func isPublicSuffix(s string) bool {
	suffix, icann := publicsuffix.PublicSuffix(s)
	return icann && suffix == s
}
