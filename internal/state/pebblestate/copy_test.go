// Copies: of the last commit, immutable, and cut for being saved again and again.
package pebblestate

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func openAt(t *testing.T, dir string, portable bool) *State {
	t.Helper()
	s, err := Open(Config{Dir: dir, CacheBytes: 1 << 20, Portable: portable}, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(b)
	}
	return got
}

func TestCopyIsOfTheLastCommitAndDoesNotChange(t *testing.T) {
	const clients = 500
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "live"), true)
	for round := uint64(1); round <= 6; round++ {
		if err := commitClients(s, round, clients); err != nil {
			t.Fatal(err)
		}
		if round%3 == 0 {
			if err := s.Purge(t.Context(), 0, nil); err != nil { // flushes
				t.Fatal(err)
			}
		}
		if err := s.Copy(t.Context(), filepath.Join(dir, fmt.Sprint(round))); err != nil {
			t.Fatal(err)
		}
	}
	third := contents(t, filepath.Join(dir, "3"))
	for round := uint64(7); round <= 20; round++ {
		if err := commitClients(s, round, clients); err != nil {
			t.Fatal(err)
		}
		if err := s.Purge(t.Context(), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(third, contents(t, filepath.Join(dir, "3"))) {
		t.Error("a copy changed when the state went on")
	}
	for round := uint64(1); round <= 6; round++ {
		again := openAt(t, filepath.Join(dir, fmt.Sprint(round)), true)
		if got := checkRound(t, again, clients); got != round {
			t.Errorf("copy of round %d is of %d", round, got)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCopyToWhatExistsIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "live"), true)
	defer s.Close()
	if err := s.Copy(t.Context(), filepath.Join(dir, "live")); err == nil {
		t.Error("a copy over the state itself succeeded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Copy(ctx, filepath.Join(dir, "x")); err == nil {
		t.Error("a copy under an ended context succeeded")
	}
}

// Tables are links; the WAL is as long as what was committed since the last flush,
// though Pebble had longer ones before that it would use again.
func TestCopyOfAPortableStateIsSmall(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "live"), true)
	defer s.Close()
	big := func() {
		t.Helper()
		c := s.Begin()
		defer c.Abandon()
		for i := range 1000 {
			if err := c.Client(0, fmt.Appendf(nil, "client %d", i), bytes.Repeat([]byte{byte(i)}, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.(*commit).batch.Commit(nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		big()
		if err := s.Purge(t.Context(), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	// What is compacted already is not taken away between the copy and the comparison.
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	if err := commitClients(s, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	tables := 0
	for name, text := range contents(t, filepath.Join(dir, "copy")) {
		if strings.HasSuffix(name, ".log") && len(text) > 10_000 {
			t.Errorf("the WAL %s has %d bytes after a commit of one client", name, len(text))
		}
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		tables++
		if !sameFile(t, filepath.Join(dir, "copy", name), filepath.Join(dir, "live", name)) {
			t.Errorf("table %s was copied, not linked", name)
		}
	}
	if tables == 0 {
		t.Error("there is no table: the test proves nothing")
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	var infos []fs.FileInfo
	for _, name := range []string{a, b} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return os.SameFile(infos[0], infos[1])
}

// A power cut right behind Copy leaves it whole.
func TestCopySurvivesAPowerCut(t *testing.T) {
	const clients = 300
	mem := vfs.NewCrashableMem()
	s, err := Open(Config{Dir: "state", CacheBytes: 1 << 20, Portable: true}, Deps{FS: mem, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for round := uint64(1); round <= 3; round++ {
		if err := commitClients(s, round, clients); err != nil {
			t.Fatal(err)
		}
		if round == 2 {
			if err := s.Purge(t.Context(), 0, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Copy(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	names, err := after.List("copy")
	if err != nil || !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".sst") }) {
		t.Fatalf("the copy has %v, %v", names, err)
	}
	again, err := Open(Config{Dir: "copy", CacheBytes: 1 << 20}, Deps{FS: after, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := checkRound(t, again, clients); got != 3 {
		t.Errorf("the copy is of round %d, want 3", got)
	}
}
