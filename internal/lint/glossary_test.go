// TestGlossary: one word for one thing. The words that are used instead are in
// docs/glossary.md.
package lint

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// banned maps a word that must not be part of an identifier to what is said instead.
func banned() map[string]string {
	return map[string]string{
		"visitor": "Client, User or Member", "visitors": "Client, User or Member",
		"pageview": "PageView (two words)", "pageviews": "PageViews (two words)",
		"goal": "KeyEvent", "goals": "KeyEvents", "conversion": "KeyEvent", "conversions": "KeyEvents",
		"trait": "UserProperty", "traits": "UserProperties", "kpi": "Metric",
		"timestamp": "EventTime, IngestTime or ProcessTime", "timestamps": "EventTime, IngestTime or ProcessTime",
		"createdat": "Created", "shard": "Partition", "shards": "Partitions", "cursor": "Offset",
		"ingester": "Collector", "tenant": "Property", "cube": "Rollup", "blacklist": "a list named for what it does",
		"whitelist": "a list named for what it does", "util": "a name of what it does", "helper": "a name of what it does",
	}
}

// exceptions are identifiers that come from elsewhere, with the reason.
func exceptions() map[string]string {
	return map[string]string{
		"TimestampMicros": "the Measurement Protocol calls its field so",
	}
}

func TestGlossary(t *testing.T) {
	words, except := banned(), exceptions()
	for _, s := range sources(t) {
		if s.isGenerated() {
			continue
		}
		for _, id := range declared(s.file) {
			if _, ok := except[id.Name]; ok {
				continue
			}
			for _, w := range split(id.Name) {
				if instead, ok := words[w]; ok {
					t.Errorf("%s: %s: say %s", s.at(id), id.Name, instead)
				}
			}
		}
	}
}

// declared returns the names that a file gives: what it uses of others is theirs.
func declared(f *ast.File) []*ast.Ident {
	var ids []*ast.Ident
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			ids = append(ids, n.Name)
		case *ast.TypeSpec:
			ids = append(ids, n.Name)
		case *ast.ValueSpec:
			ids = append(ids, n.Names...)
		case *ast.Field:
			ids = append(ids, n.Names...)
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); ok && n.Tok.String() == ":=" {
					ids = append(ids, id)
				}
			}
		}
		return true
	})
	return ids
}

// split cuts an identifier into lower-case words: eventTimeMS is event, time, ms.
func split(id string) []string {
	var words []string
	runes, start := []rune(id), 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || runes[i] == '_' ||
			unicode.IsUpper(runes[i]) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			words = append(words, strings.ToLower(strings.Trim(string(runes[start:i]), "_")))
			start = i
		}
	}
	return words
}

func TestSplitFindsWords(t *testing.T) {
	for id, want := range map[string]string{
		"eventTimeMS": "event time ms", "HTTPServer": "http server", "page_view": "page view", "x": "x", "PropertyID": "property id",
	} {
		if got := strings.Join(split(id), " "); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
}

// TestGlossaryPageExplainsTheWords: the page and the rule must not drift apart.
func TestGlossaryPageExplainsTheWords(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "glossary.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, term := range []string{"Property", "Data stream", "Measurement id", "API secret", "Event", "Param", "Client id",
		"User", "Session", "Engagement", "Key event", "Dimension", "Metric", "Report", "Channel", "Source", "EventTime", "IngestTime",
		"ProcessTime", "Late", "Partition", "Offset", "Checkpoint", "Segment", "Head", "Final day", "Revision", "Alias",
		"Refuse reason", "Verdict", "Ledger", "Member", "Read key", "Salt", "Node", "Lease", "Incarnation",
		"View", "Owner", "Epoch", "Fenced", "Intent"} {
		if !strings.Contains(string(text), "**"+term+"**") {
			t.Errorf("docs/glossary.md does not explain %s", term)
		}
	}
}
