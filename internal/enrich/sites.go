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
var sitesText string

// siteKind is a set of kinds of source.
type siteKind uint8

const (
	kindSearch siteKind = 1 << iota
	kindSocial
	kindVideo
	kindShopping
	kindAI
)

// siteKindOf returns the kind with that name in the rule files, 0 if unknown.
func siteKindOf(name string) siteKind {
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

// site is a well-known site.
type site struct {
	kinds      siteKind
	name       string // of the search engine; for others the domain in the pattern
	subdomains bool   // the pattern holds for every subdomain
}

// siteTable is read-only once built.
type siteTable struct {
	exact map[string]site // host or source name
	wild  map[string]site // label before a public suffix
}

var loadSites = sync.OnceValue(func() *siteTable {
	t, err := parseSites(sitesText)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return t
})

// parseSites reads the format that rules/sources.txt explains.
func parseSites(text string) (*siteTable, error) {
	t := &siteTable{exact: map[string]site{}, wild: map[string]site{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "version ") {
			continue
		}
		left, patterns, ok := strings.Cut(line, ":")
		kind, name, _ := strings.Cut(left, " ")
		if !ok || siteKindOf(kind) == 0 || name == "" {
			return nil, fmt.Errorf("read sites: line %d: want \"KIND NAME: PATTERN ...\"", i+1)
		}
		for _, p := range strings.Fields(patterns) {
			t.add(siteKindOf(kind), name, lowerASCII(p))
		}
	}
	return t, nil
}

func (t *siteTable) add(kind siteKind, name, pattern string) {
	host, exact := strings.CutPrefix(pattern, "=")
	s := site{kinds: kind, name: name, subdomains: !exact && strings.Contains(host, ".")}
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
func (t *siteTable) find(name string) (site, bool) {
	name = strings.TrimPrefix(name, "www.")
	if s, ok := t.exact[name]; ok {
		return s, true
	}
	for rest := name; ; {
		label, parent, more := strings.Cut(rest, ".")
		if !more {
			return site{}, false
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
