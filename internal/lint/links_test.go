// TestLinks: a link in a page leads to a file that exists.
package lint

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	top, found := root(t), 0
	walk(t, func(page string, read func() []byte) {
		if !strings.HasSuffix(page, ".md") {
			return
		}
		for _, m := range link.FindAllStringSubmatch(string(read()), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			found++
			file := path.Join(path.Dir(page), target)
			if _, err := os.Stat(filepath.Join(top, filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, target)
			}
		}
	})
	if found == 0 {
		t.Error("found no link: the test looks in the wrong place")
	}
}
