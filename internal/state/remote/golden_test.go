// What earlier versions saved stays readable (docs/format/state-remote.md).
package remote

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden save of the current format version")

// goldenClients are in testdata/v1 under 7/3-5, which builds on 7/3-4.
func goldenClients() map[string]string {
	want := map[string]string{}
	for i := range 40 {
		want[fmt.Sprintf("client %d", i)] = fmt.Sprintf("record %d of the second save", i)
	}
	return want
}

func TestSaveOfVersion1StaysReadable(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	if *rewriteGolden {
		writeGolden(t, dir)
	}
	copied := t.TempDir() // opening a store writes
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s := newSaves(t, newStore(t, copied))
	got, stats := fetch(t, owner(t, s, 9), "7/3-5", t.TempDir())
	if stats.Moved == 0 {
		t.Error("nothing was fetched")
	}
	live := openState(t, got)
	defer live.Close()
	for key, want := range goldenClients() {
		value, err := live.Client(event.Partition(7), []byte(key))
		if err != nil || string(value) != want {
			t.Errorf("%s is %q, %v; want %q", key, value, err, want)
		}
	}
	if m, err := live.Load(t.Context()); err != nil || m.Sequence != 5 {
		t.Errorf("Meta is %+v, %v", m, err)
	}
}

// The inventory of today is the bytes of yesterday: a change of the format is
// made on purpose, with a new version and new golden files beside the old.
func TestInventoryIsWrittenAsInTheFormat(t *testing.T) {
	inv := &inventory{Version: FormatVersion, Name: "7/3-5", Base: "7/3-4", Files: []file{
		{Name: "000004.sst", Size: 5, Pieces: []piece{
			{Save: name{7, 3, 4}.id(), Size: 3, Sum: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"},
			{Save: name{7, 3, 5}.id(), Size: 2, Sum: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}}},
		{Name: "marker.manifest.000001.MANIFEST-000001"},
	}}
	got, err := inv.encode()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "inventory-v1.json")
	if *rewriteGolden {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := decodeInventory(want, name{7, 3, 5}); err != nil {
		t.Error(err)
	}
}

// writeGolden refuses to write over what a release wrote.
func writeGolden(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is there: %v", dir, err)
	}
	s := newSaves(t, newStore(t, dir))
	o := owner(t, s, 3)
	root := t.TempDir()
	local, _ := fetch(t, o, "", root)
	live := openState(t, local)
	for i, which := range []string{"first", "second"} {
		c := live.Begin()
		for k := range 40 {
			if err := c.Client(7, fmt.Appendf(nil, "client %d", k), fmt.Appendf(nil, "record %d of the %s save", k, which)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Finish(t.Context(), &state.Meta{Sequence: uint64(4 + i)}); err != nil {
			t.Fatal(err)
		}
		c.Abandon()
		copied := filepath.Join(t.TempDir(), "copy")
		if err := live.Copy(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
		save(t, o, fmt.Sprintf("7/3-%d", 4+i), copied)
		if i == 0 {
			if err := live.Purge(t.Context(), 7, nil); err != nil { // so that there is a table
				t.Fatal(err)
			}
		}
	}
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
}
