// One fills, others find it; what failed leaves nothing.
package cached

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestFolderIsFilledOnceAndWhole(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	broken := errors.New("half way")
	if _, err := Folder("thing-1", func(work string) (string, error) {
		return "", errors.Join(broken, os.WriteFile(filepath.Join(work, "half"), nil, 0o600))
	}); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	var filled atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := Folder("thing-1", func(work string) (string, error) {
				filled.Add(1)
				made := filepath.Join(work, "made")
				return made, errors.Join(os.Mkdir(made, 0o700), os.WriteFile(filepath.Join(made, "file"), []byte("x"), 0o600))
			})
			if err != nil {
				t.Error(err)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "file")); string(text) != "x" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	wg.Wait()
	if n := filled.Load(); n != 1 {
		t.Errorf("filled %d times", n)
	}
}
