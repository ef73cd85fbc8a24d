// Channels: the default channel group that a session's source belongs to,
// by the ordered rules in rules/channels.txt.
package enrich

import (
	"strings"
	"unicode"
)

// DefaultChannelRules is the group used where a definition names none.
const DefaultChannelRules = "ga4@2026"

const unassigned = "Unassigned"

// ChannelRules lists the groups that Channel knows, in the order of the file.
func ChannelRules() []string { return append([]string(nil), loadChannels().names...) }

// Channel returns the channel of a session's source under the named rules.
// Rules that do not exist, and "", mean DefaultChannelRules. A missing text
// may be empty or "(not set)". It may be called by many goroutines at once and
// allocates only for texts that are not in lower case.
func Channel(rules, source, medium, campaign string) string {
	f := loadChannels()
	group, ok := f.groups[rules]
	if !ok {
		group = f.groups[DefaultChannelRules]
	}
	s := channelSubject{texts: [3]string{foldText(source), foldText(medium), foldText(campaign)}}
	s.kinds = kindsOf(s.texts[fieldSource])
	for i := range group {
		if group[i].lines.hold(&s) {
			return group[i].name
		}
	}
	return unassigned
}

// kindsOf returns what is known of a source's name.
func kindsOf(source string) sourceKind {
	known, ok := loadKnown().find(source)
	if !ok {
		return 0
	}
	return known.kinds
}

// channelSubject is the source that rules are tried on, case folded.
type channelSubject struct {
	texts [3]string // by channelField
	kinds sourceKind
}

// channelField says which text of a source a term looks at.
type channelField uint8

const (
	fieldSource channelField = iota
	fieldMedium
	fieldCampaign
)

// channelRule is one channel of a group.
type channelRule struct {
	name  string
	lines channelLines
}

// channelLines hold if one of them does, and a line if all its terms do.
type channelLines [][]channelTerm

// channelTerm is one condition.
type channelTerm struct {
	op    string
	field channelField
	texts []string
	kind  sourceKind   // of "in"
	named channelLines // of "@name"
}

func (l channelLines) hold(s *channelSubject) bool {
	for _, line := range l {
		holds := true
		for i := 0; holds && i < len(line); i++ {
			holds = line[i].holds(s)
		}
		if holds {
			return true
		}
	}
	return false
}

func (t *channelTerm) holds(s *channelSubject) bool {
	switch t.op {
	case "any":
		return true
	case "@":
		return t.named.hold(s)
	case "in":
		return s.kinds&t.kind != 0
	}
	text := s.texts[t.field]
	for _, want := range t.texts {
		if matchText(t.op, text, want) {
			return true
		}
	}
	return false
}

func matchText(op, text, want string) bool {
	switch op {
	case "is":
		return text == want
	case "has":
		return strings.Contains(text, want)
	case "starts":
		return strings.HasPrefix(text, want)
	case "ends":
		return strings.HasSuffix(text, want)
	case "hasword":
		return hasWord(text, want)
	}
	return false
}

// hasWord tells whether want occurs at the start of text or after anything but
// a letter other than e. That is how GA4's rule for shops finds "eshop".
func hasWord(text, want string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], want)
		if i < 0 {
			return false
		}
		at := from + i
		if at == 0 || text[at-1] == 'e' || text[at-1] < 'a' || text[at-1] > 'z' {
			return true
		}
		from = at + 1
	}
}

// foldText maps case away as case-insensitive matching does (S36): simple
// folding, with the member that is an ASCII letter if there is one.
func foldText(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return strings.Map(foldRune, s)
		}
	}
	if s == "" {
		return notSet
	}
	return lowerASCII(s)
}

func foldRune(r rune) rune {
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if 'a' <= f && f <= 'z' {
			return f
		}
	}
	return unicode.ToLower(r)
}
