// Spilling: the engines of a store never write into each other's files.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/store"
)

func TestEnginesSpillIntoDirectoriesOfTheirOwn(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	seen := map[string]string{}
	for name, e := range map[string]*engine{"reader": s.reader, "writer": s.writer, "sealer": s.sealer} {
		dir := tempDirOf(t, e)
		if other, taken := seen[dir]; taken {
			t.Errorf("%s and %s both spill into %s", name, other, filepath.Base(dir))
		}
		seen[dir] = name
		if !strings.HasPrefix(dir, filepath.Join(s.cfg.Dir, tempName)+"/") {
			t.Errorf("%s spills into %s, outside the temporary directory", name, dir)
		}
	}
}

func tempDirOf(t *testing.T, e *engine) string {
	t.Helper()
	dir := ""
	err := e.run(context.Background(), "SELECT current_setting('temp_directory')", func(r *result) error {
		dir = r.text(0, 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWhatWasSpilledIsGoneAfterOpen(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, tempName, "reader", "duckdb_temp_storage_DEFAULT-0.tmp")
	if err := os.MkdirAll(filepath.Dir(left), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	openTest(t, dir, store.Manifest{})
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("a spilled file of an earlier run is still there: %v", err)
	}
}

func TestD8_SpillingIsBoundedByTempLimit(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), MemoryLimit: 32 << 20, WriterMemoryLimit: 32 << 20,
		TempLimit: 1 << 20}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, e := range map[string]*engine{"reader": s.reader, "writer": s.writer, "sealer": s.sealer} {
		err := e.exec(context.Background(), hog("hog", 4_000_000))
		if !errors.Is(err, store.ErrResources) {
			t.Errorf("%s: got %v, want %v", name, err, store.ErrResources)
		}
	}
}

// hog renders the making of a table that takes about 100 bytes a row.
func hog(name string, rows int) string {
	return fmt.Sprintf("CREATE TABLE %s AS SELECT concat(md5(range::VARCHAR), md5((range + 1)::VARCHAR), "+
		"md5((range + 2)::VARCHAR)) AS x FROM range(%d)", name, rows)
}
