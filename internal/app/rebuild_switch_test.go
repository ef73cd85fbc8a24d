// The switch of a rebuild, stopped at every step and ended by the next one.
package app

import (
	"os"
	"path/filepath"
	"testing"
)

// layout writes files by their path below dir; the text is the path's first part, or what
// is given.
func layout(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRebuildIsAllOrNothingWhereverItStopsD7(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"before it was ready": {map[string]string{"state/f": "old", "store/f": "old", "rebuild/state/f": "new", "rebuild/store/f": "new"}, "old"},
		"when it was ready": {map[string]string{"state/f": "old", "store/f": "old", "rebuild/state/f": "new", "rebuild/store/f": "new",
			"rebuild/READY": ""}, "new"},
		"when the old state was moved": {map[string]string{"store/f": "old", "rebuild/old-state/f": "old", "rebuild/state/f": "new",
			"rebuild/store/f": "new", "rebuild/READY": ""}, "new"},
		"when the state was switched": {map[string]string{"state/f": "new", "store/f": "old", "rebuild/old-state/f": "old",
			"rebuild/store/f": "new", "rebuild/READY": ""}, "new"},
		"when both were switched": {map[string]string{"state/f": "new", "store/f": "new", "rebuild/old-state/f": "old",
			"rebuild/old-store/f": "old", "rebuild/READY": ""}, "new"},
		"when there was no old store": {map[string]string{"state/f": "old", "rebuild/state/f": "new", "rebuild/store/f": "new",
			"rebuild/READY": ""}, "new"},
	} {
		dir := t.TempDir()
		layout(t, dir, c.files)
		if err := finishRebuild(dir); err != nil {
			t.Errorf("stopped %s: %v", name, err)
		}
		for _, file := range []string{"state/f", "store/f"} {
			if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(text) != c.want {
				t.Errorf("stopped %s: %s is %q, %v, want %q", name, file, text, err, c.want)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "rebuild")); !os.IsNotExist(err) {
			t.Errorf("stopped %s: something is left in the rebuild directory", name)
		}
	}
}
