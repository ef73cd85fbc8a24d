// A data directory may be moved, restored elsewhere, or named by another path.
package pebblelog

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func TestLogOpensWhereverItsDirectoryLies(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	open := func(dir string) *Log {
		cfg := testConfig()
		cfg.Dir = dir
		l, err := Open(cfg, Deps{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatalf("open %s: %v", dir, err)
		}
		return l
	}
	holds := func(l *Log, want string) {
		t.Helper()
		entries, err := l.Read(t.Context(), 0, 0, 1<<20, nil)
		if err != nil || len(entries) == 0 || string(entries[len(entries)-1].Payload) != want {
			t.Fatalf("log holds %v, %v; want %q at its end", entries, err, want)
		}
	}
	for i, dirs := range [][2]string{
		{filepath.Join(root, "a"), filepath.Join(root, "b")}, // moved
		{filepath.Join(root, "b"), "b"},                      // by a relative path
		{"b", filepath.Join(root, "b")},
	} {
		l := open(dirs[0])
		payload := string(rune('0' + i))
		if err := l.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Partition: event.Partition(0), Payload: []byte(payload)}}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := os.Rename(dirs[0], dirs[1]); err != nil {
				t.Fatal(err)
			}
		}
		l = open(dirs[1])
		holds(l, payload)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Earlier builds had the whole path of the WAL written down.
func TestLogWhoseOptionsNameAnotherPathOpens(t *testing.T) {
	cfg := testConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "was")
	former, err := pebble.Open(cfg.Dir, &pebble.Options{FormatMajorVersion: pebbleFormat, Merger: newMerger(),
		WALDir: filepath.Join(cfg.Dir, walDirName), Logger: pebble.DefaultLogger})
	if err != nil {
		t.Fatal(err)
	}
	if err := former.Close(); err != nil {
		t.Fatal(err)
	}
	now := filepath.Join(t.TempDir(), "is")
	if err := os.Rename(cfg.Dir, now); err != nil {
		t.Fatal(err)
	}
	cfg.Dir = now
	l, err := Open(cfg, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
