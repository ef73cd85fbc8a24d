// A6: the document and the routes name the same addresses.
package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func TestA6OpenAPINamesEveryRouteAndNoOther(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, text := range methods {
			var op struct {
				Tags      []string
				Responses map[string]any
			}
			if method == "parameters" {
				continue
			}
			if err := json.Unmarshal(text, &op); err != nil {
				t.Fatal(err)
			}
			if len(op.Responses) == 0 {
				t.Errorf("%s %s documents no answer", method, path)
			}
			// Collectors and the operator's addresses are other packages' routes.
			if path != "/openapi.json" && (slices.Contains(op.Tags, "collect") || slices.Contains(op.Tags, "operate")) {
				continue
			}
			documented[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, r := range (&API{}).routes() {
		name := r.method + " " + r.path
		if !documented[name] {
			t.Errorf("openapi.json lacks %s", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("openapi.json names %s, which is not a route", name)
	}
}

func TestOpenAPIReferencesExist(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				at := any(doc)
				for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[name]
				}
				if at == nil {
					t.Errorf("%s refers to nothing", ref)
				}
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(doc)
}
