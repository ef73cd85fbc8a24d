// Reading rules/channels.txt, whose head explains the format.
package enrich

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed rules/channels.txt
var channelsText string

// channelFile is all groups. It is read-only once built.
type channelFile struct {
	names  []string
	groups map[string][]channelRule
}

var loadChannels = sync.OnceValue(func() *channelFile {
	f, err := parseChannels(channelsText)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return f
})

// channelReader is the state between lines of the file.
type channelReader struct {
	file  channelFile
	group []channelRule
	named map[string]channelLines
	let   string // the let whose lines come next, "" if a channel's
	at    int    // the channel whose lines come next
}

func parseChannels(text string) (*channelFile, error) {
	r := &channelReader{file: channelFile{groups: map[string][]channelRule{}}, at: -1}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := r.read(line); err != nil {
			return nil, fmt.Errorf("read channel rules: line %d: %w", i+1, err)
		}
	}
	r.endGroup()
	if r.file.groups[DefaultChannelRules] == nil {
		return nil, fmt.Errorf("read channel rules: no group %s", DefaultChannelRules)
	}
	return &r.file, nil
}

func (r *channelReader) read(line string) error {
	word, arg, _ := strings.Cut(line, " ")
	switch word {
	case "group":
		r.endGroup()
		r.file.names = append(r.file.names, arg)
		r.group, r.named, r.let, r.at = []channelRule{}, map[string]channelLines{}, "", -1
		return nil
	case "like":
		base, ok := r.file.groups[arg]
		r.group = append(r.group, base...)
		if !ok {
			return fmt.Errorf("group %q is not above", arg)
		}
		return nil
	case "let":
		r.let, r.named[arg] = arg, nil
		return nil
	case "channel":
		return r.beginChannel(arg)
	}
	return r.addLine(line)
}

func (r *channelReader) endGroup() {
	if n := len(r.file.names); n > 0 {
		r.file.groups[r.file.names[n-1]] = r.group
	}
}

func (r *channelReader) beginChannel(arg string) error {
	name, before, isBefore := strings.Cut(arg, " before ")
	r.let, r.at = "", len(r.group)
	if isBefore {
		for r.at = 0; r.at < len(r.group) && r.group[r.at].name != before; r.at++ {
		}
		if r.at == len(r.group) {
			return fmt.Errorf("channel %q is not in the group", before)
		}
	}
	r.group = append(r.group, channelRule{})
	copy(r.group[r.at+1:], r.group[r.at:])
	r.group[r.at] = channelRule{name: name}
	return nil
}

func (r *channelReader) addLine(line string) error {
	var terms []channelTerm
	for _, text := range strings.Split(line, " & ") {
		t, err := r.term(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		terms = append(terms, t)
	}
	switch {
	case r.let != "":
		r.named[r.let] = append(r.named[r.let], terms)
	case r.at >= 0:
		r.group[r.at].lines = append(r.group[r.at].lines, terms)
	default:
		return fmt.Errorf("line %q belongs to no channel", line)
	}
	return nil
}

func (r *channelReader) term(text string) (channelTerm, error) {
	if text == "any" {
		return channelTerm{op: "any"}, nil
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		lines, known := r.named[name]
		if !known {
			return channelTerm{}, fmt.Errorf("let %q is not above", name)
		}
		return channelTerm{op: "@", named: lines}, nil
	}
	field, rest, _ := strings.Cut(text, " ")
	op, arg, _ := strings.Cut(rest, " ")
	t := channelTerm{op: op}
	switch field {
	case "source":
		t.field = fieldSource
	case "medium":
		t.field = fieldMedium
	case "campaign":
		t.field = fieldCampaign
	default:
		return t, fmt.Errorf("unknown field %q", field)
	}
	switch op {
	case "in":
		if t.kind = kindOf(arg); t.kind == 0 || t.field != fieldSource {
			return t, fmt.Errorf("%q is no kind of source", arg)
		}
	case "is", "has", "starts", "ends", "hasword":
		for _, a := range strings.Split(arg, ",") {
			t.texts = append(t.texts, lowerASCII(strings.TrimSpace(a)))
		}
	default:
		return t, fmt.Errorf("unknown word %q", op)
	}
	return t, nil
}
