// TestForbidden: what is never written here, each with its reason.
package lint

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func lineText(n int) string { return strconv.Itoa(n) }

// pattern is a text that must not stand in files of some kinds. The texts are
// put together from parts, so that this file does not hold them.
type pattern struct {
	re     *regexp.Regexp
	except []string // path prefixes
	why    string
}

func patterns() []pattern {
	return []pattern{
		{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`), nil,
			"an open end belongs into an issue"},
		{regexp.MustCompile(`(^|[\s"'(=:` + "`" + `])/(wo` + `rk|ro` + `ot|ho` + `me)/`), nil,
			"a path of one machine means nothing on another"},
		{regexp.MustCompile(`(?i)https?://[^/\s"]*(npm` + `js\.org|proxy\.gol` + `ang|arti` + `factory|nex` + `us[.-])`), nil,
			"which registry serves a package is the machine's matter"},
	}
}

func TestForbiddenTexts(t *testing.T) {
	kinds := []string{".go", ".md", ".ts", ".mjs", ".js", ".svelte", ".sh", ".sql", ".proto", ".yaml", ".yml", ".json", ".html", ".css"}
	walk(t, func(path string, read func() []byte) {
		_, ext, _ := cutLast(path, ".")
		if !slices.Contains(kinds, "."+ext) && path != "Makefile" {
			return
		}
		for i, line := range strings.Split(string(read()), "\n") {
			for _, p := range patterns() {
				if found := p.re.FindString(line); found != "" && !hasPrefixOf(path, p.except) {
					t.Errorf("%s:%d: %q: %s", path, i+1, strings.TrimSpace(found), p.why)
				}
			}
		}
	})
}

func hasPrefixOf(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) })
}

// call is a function that is not called in some files.
type call struct {
	pkg, name string // a name ending in * is a prefix; pkg "" is any receiver
	where     func(*source) bool
	why       string
}

func isTest(s *source) bool    { return s.isTest }
func isLibrary(s *source) bool { return !s.isTest && strings.HasPrefix(s.path, "internal/") }
func anywhere(*source) bool    { return true }

func calls() []call {
	return []call{
		{"time", "Sleep", isTest, "a test waits for a condition with a deadline"},
		{"", "Skip", isTest, "a test that does not run proves nothing"},
		{"", "Skipf", isTest, "a test that does not run proves nothing"},
		{"", "SkipNow", isTest, "a test that does not run proves nothing"},
		{"fmt", "Print*", isLibrary, "a library is given the writer that it prints to"},
		{"log", "Print*", anywhere, "logs go through the slog.Logger that is passed in"},
		{"log", "Fatal*", anywhere, "logs go through the slog.Logger that is passed in"},
		{"log", "Panic*", anywhere, "logs go through the slog.Logger that is passed in"},
		{"log", "Default", anywhere, "there is no global logger"},
		{"log", "Set*", anywhere, "there is no global logger"},
		{"slog", "SetDefault", anywhere, "there is no global logger"},
		{"slog", "Default", isLibrary, "there is no global logger"},
		{"prometheus", "MustRegister", anywhere, "there is no global registry: take a Registerer"},
		{"prometheus", "Register", anywhere, "there is no global registry: take a Registerer"},
		{"promauto", "*", anywhere, "there is no global registry: take a Registerer"},
		{"os", "Exit", isLibrary, "only main ends the process"},
	}
}

func (c call) matches(pkg, name string) bool {
	if c.pkg != "" && c.pkg != pkg {
		return false
	}
	prefix, wild := strings.CutSuffix(c.name, "*")
	return name == c.name || wild && strings.HasPrefix(name, prefix)
}

func TestForbiddenCalls(t *testing.T) {
	for _, s := range sources(t) {
		packages := importNames(s.file)
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			pkg := ""
			if packages[x.Name] {
				pkg = x.Name
			}
			for _, c := range calls() {
				// Skip is of testing.T, which is always named t, b or f.
				isReceiver := c.pkg == "" && pkg == "" && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name)
				if c.where(s) && (isReceiver || c.pkg != "" && pkg == c.pkg) && c.matches(pkg, sel.Sel.Name) {
					t.Errorf("%s: %s.%s: %s", s.at(n), x.Name, sel.Sel.Name, c.why)
				}
			}
			return true
		})
	}
}

// importNames returns the names by which a file knows packages.
func importNames(f *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, i := range f.Imports {
		_, name, _ := cutLast(strings.Trim(i.Path.Value, `"`), "/")
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = true
	}
	return names
}

// TestForbiddenDeclarations: what happens at import cannot be tested, ordered
// or left out.
func TestForbiddenDeclarations(t *testing.T) {
	for _, s := range sources(t) {
		if s.isGenerated() {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init(): call it from a constructor", s.at(d))
				}
			case *ast.GenDecl:
				checkVars(t, s, d)
			}
		}
	}
}

// checkVars finds package-level variables that are made to be changed.
func checkVars(t *testing.T, s *source, d *ast.GenDecl) {
	if s.isTest || !strings.HasPrefix(s.path, "internal/") {
		return
	}
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok.String() != "var" {
			continue
		}
		sel, ok := v.Type.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		x, ok := sel.X.(*ast.Ident)
		if ok && x.Name == "sync" || ok && x.Name == "atomic" {
			t.Errorf("%s: package-level %s.%s: state belongs into a value that is passed around", s.at(v), x.Name, sel.Sel.Name)
		}
	}
}

const maxLines = 800

func TestFilesSayWhatTheyAreFor(t *testing.T) {
	for _, s := range sources(t) {
		if s.isGenerated() {
			continue
		}
		first := ""
		if len(s.file.Comments) > 0 && s.file.Comments[0].Pos() < s.file.Package {
			first = s.file.Comments[0].Text()
		}
		if first == "" {
			t.Errorf("%s does not begin with a comment that says what it is for", s.path)
		}
		if s.lines() > maxLines && !strings.Contains(first, "This file is long because ") {
			t.Errorf("%s has %d lines; over %d the first comment says \"This file is long because\"", s.path, s.lines(), maxLines)
		}
	}
}

// TestPackagesSayWhatTheyAre: a newcomer begins at doc.go, or at the one file
// of a package that is too small to need it.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	const small = 2 // files
	unclear := []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "types", "models", "manager"}
	docs, files, names := map[string]bool{}, map[string]int{}, map[string]string{}
	for _, s := range sources(t) {
		dir, file, _ := cutLast(s.path, "/")
		if s.isTest && file != "doc.go" || !strings.HasPrefix(s.path, "internal/") {
			continue
		}
		files[dir]++
		names[dir] = s.file.Name.Name
		isPackageComment := s.file.Doc != nil && strings.HasPrefix(s.file.Doc.Text(), "Package ")
		docs[dir] = docs[dir] || file == "doc.go" || isPackageComment && files[dir] <= small
	}
	for dir, name := range names {
		if !docs[dir] || files[dir] > small && !hasDocFile(t, dir) {
			t.Errorf("%s has no doc.go", dir)
		}
		if slices.Contains(unclear, name) {
			t.Errorf("%s: a package is named for what it does, not %s", dir, name)
		}
	}
}

func hasDocFile(t *testing.T, dir string) bool {
	_, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(dir), "doc.go"))
	return err == nil
}
