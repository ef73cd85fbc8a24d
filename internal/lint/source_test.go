// Reading the source tree, for all rules.
package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "tidemark"

// source is one Go file.
type source struct {
	path   string // from the root, with slashes
	isTest bool
	text   []byte
	file   *ast.File
	fset   *token.FileSet
}

// pkg returns the import path of the file's folder.
func (s *source) pkg() string {
	dir, _, _ := cutLast(s.path, "/")
	return module + "/" + dir
}

// at returns path:line of a node.
func (s *source) at(n ast.Node) string {
	return s.path + ":" + lineText(s.fset.Position(n.Pos()).Line)
}

func (s *source) lines() int { return bytes.Count(s.text, []byte("\n")) }

// isGenerated follows Go's convention for generated files.
func (s *source) isGenerated() bool {
	return regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`).Match(s.text)
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// isSkipped names folders that hold nothing written here.
func isSkipped(name string) bool {
	return slices.Contains([]string{".git", ".cache", "node_modules", "bin", "dist", "testdata", "data"}, name)
}

// walk calls f with each file of the tree, its path from the root.
func walk(t *testing.T, f func(path string, read func() []byte)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != top && isSkipped(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(rel), func() []byte {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return text
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses all Go files.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	walk(t, func(path string, read func() []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		text, fset := read(), token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		all = append(all, &source{
			path: path, isTest: strings.HasSuffix(path, "_test.go"), text: text, file: file, fset: fset,
		})
	})
	if len(all) < 50 {
		t.Fatalf("found only %d Go files: the test looks in the wrong place", len(all))
	}
	return all
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}
