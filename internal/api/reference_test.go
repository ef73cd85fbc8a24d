// docs/reference/http.md is the OpenAPI document as a page to read.
package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//go:generate go test -run TestReferencePageIsCurrent -rewrite-reference .

var rewriteReference = flag.Bool("rewrite-reference", false, "write docs/reference/http.md")

func TestReferencePageIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "reference", "http.md")
	want := referencePage(t)
	if *rewriteReference {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/reference/http.md is stale: run go generate ./internal/api")
	}
}

func referencePage(t *testing.T) string {
	t.Helper()
	type operation struct {
		Summary, Description string
		Tags                 []string
		Security             []map[string]any
		Responses            map[string]any
	}
	var doc struct {
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# HTTP API\n\n<!-- Generated from internal/api/openapi.json by `go generate ./internal/api`. Do not edit. -->\n\n" +
		"The server itself gives the whole document, with all fields, at `/openapi.json`.\n")
	for _, tag := range doc.Tags {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| request | needs | answers | meaning |\n|---|---|---|---|\n", tag.Name, tag.Description)
		for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
			for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
				var op operation
				if method == "parameters" {
					continue
				}
				if err := json.Unmarshal(doc.Paths[path][method], &op); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(op.Tags, tag.Name) {
					continue
				}
				needs := "nothing"
				if len(op.Security) > 0 {
					var names []string
					for _, s := range op.Security {
						names = append(names, slices.Sorted(maps.Keys(s))...)
					}
					needs = strings.Join(names, " or ")
				}
				fmt.Fprintf(&b, "| `%s %s` | %s | %s | %s |\n", strings.ToUpper(method), path, needs,
					strings.Join(slices.Sorted(maps.Keys(op.Responses)), " "),
					strings.TrimSpace(sentence(op.Summary)+" "+op.Description))
			}
		}
	}
	return b.String()
}

// sentence ends text with a full stop if it does not end already.
func sentence(text string) string {
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
