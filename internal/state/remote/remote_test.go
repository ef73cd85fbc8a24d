// Saving and fetching: what comes back, what it costs, what is refused.
package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/blob/dirblob"
	"tidemark/internal/intent"
)

func newSaves(t testing.TB, store blob.Store) *Saves {
	t.Helper()
	s, err := New(DefaultConfig(), Deps{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newStore(t testing.TB, dir string) blob.Store {
	t.Helper()
	s, err := dirblob.Open(dirblob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files is a directory as a map.
type files map[string]string

func readFiles(t testing.TB, dir string) files {
	t.Helper()
	got := files{}
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

func (f files) write(t testing.TB, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range f {
		if old, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(old) == text {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func noise(seed byte, n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return string(b)
}

// someFiles are of all kinds that Pebble has.
func someFiles(seed byte) files {
	return files{
		"000004.sst": noise(1, 50_000), "000007.sst": noise(seed, 70_000), "000009.log": noise(seed, 3000),
		"MANIFEST-000001": noise(2, 500) + noise(seed, 100), "OPTIONS-000003": "options", "marker.manifest.000001.MANIFEST-000001": "",
	}
}

func owner(t testing.TB, s *Saves, epoch uint64) *Owner {
	t.Helper()
	o, err := s.Owner(7, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// begin returns an owner that has fetched nothing, since there is nothing.
func begin(t testing.TB, s *Saves, epoch uint64) *Owner {
	t.Helper()
	o := owner(t, s, epoch)
	if dir, _, err := o.Fetch(t.Context(), "", t.TempDir()); err != nil || len(readFiles(t, dir)) != 0 {
		t.Fatalf("fetch of nothing: %v", err)
	}
	return o
}

func save(t testing.TB, o *Owner, stateName, dir string) Stats {
	t.Helper()
	stats, err := o.Save(t.Context(), stateName, dir)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func fetch(t testing.TB, o *Owner, stateName, root string) (string, Stats) {
	t.Helper()
	dir, stats, err := o.Fetch(t.Context(), stateName, root)
	if err != nil {
		t.Fatal(err)
	}
	return dir, stats
}

func wantFiles(t testing.TB, dir string, want files) {
	t.Helper()
	if diff := cmp.Diff(lengths(want), lengths(readFiles(t, dir))); diff != "" {
		t.Fatalf("files: %s", diff)
	}
}

// lengths make differences readable.
func lengths(f files) map[string]string {
	short := map[string]string{}
	for name, text := range f {
		c := blob.Bytes([]byte(text))
		short[name] = fmt.Sprintf("%d bytes, %v", c.Size, c.Sum)
	}
	return short
}

func TestMV2_FetchedIsWhatWasSaved(t *testing.T) {
	s, want := newSaves(t, newStore(t, t.TempDir())), someFiles(9)
	want["000011.sst"] = noise(3, maxPiece+5) // more than one piece
	save(t, begin(t, s, 1), "7/1-1", want.write(t, t.TempDir()))
	dir, _ := fetch(t, owner(t, s, 2), "7/1-1", t.TempDir())
	wantFiles(t, dir, want)
	if err := s.Verify(t.Context(), "7/1-1"); err != nil {
		t.Error(err)
	}
}

func TestMV6_SaveCostsWhatChanged(t *testing.T) {
	s, local, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), someFiles(9)
	o := begin(t, s, 1)
	save(t, o, "7/1-1", content.write(t, local))
	f := func(seq int, change func(), atMost int64) {
		t.Helper()
		change()
		stats := save(t, o, fmt.Sprintf("7/1-%d", seq), content.write(t, local))
		// The inventory is in it: some 200 bytes a file.
		if stats.Moved > atMost+2000 {
			t.Errorf("save %d moved %d bytes, want at most %d and an inventory", seq, stats.Moved, atMost)
		}
		dir, _ := fetch(t, owner(t, s, 9), fmt.Sprintf("7/1-%d", seq), t.TempDir())
		wantFiles(t, dir, content)
	}
	f(2, func() {}, 0)
	f(3, func() { content["000012.sst"] = noise(5, 10_000) }, 10_000)
	f(4, func() { content["000009.log"] += noise(6, 300_000) }, 303_000) // the crumb before goes with it
	f(5, func() { content["000009.log"] += noise(7, 1000) }, 1000)
	f(6, func() { content["000009.log"] += noise(8, 1000) }, 2000)
	f(7, func() { content["MANIFEST-000001"] += "edit" }, 604)
	f(8, func() { content["000009.log"] = content["000009.log"][:300_000] + "else" }, 300_004)
	f(9, func() { content["000009.log"] = "X" + content["000009.log"][1:] + "longer" }, 300_010)
}

func TestMV6_FileThatGrowsByCrumbsHasFewPieces(t *testing.T) {
	s, local, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), files{"000001.log": ""}
	o := begin(t, s, 1)
	for seq := 1; seq <= 20; seq++ {
		content["000001.log"] += noise(byte(seq), 1000)
		save(t, o, fmt.Sprintf("7/1-%d", seq), content.write(t, local))
	}
	if got := len(o.base.files["000001.log"].pieces); got != 1 {
		t.Errorf("20 crumbs of 1000 bytes are %d pieces, want 1", got)
	}
	dir, _ := fetch(t, owner(t, s, 2), "7/1-20", t.TempDir())
	wantFiles(t, dir, content)
}

// A table is known by what it is on the disk, not by what it is called.
func TestMV2_OtherTableOfTheSameNameAndSizeIsSaved(t *testing.T) {
	s, content := newSaves(t, newStore(t, t.TempDir())), someFiles(9)
	o := begin(t, s, 1)
	save(t, o, "7/1-1", content.write(t, t.TempDir()))
	content["000007.sst"] = noise(33, 70_000)
	save(t, o, "7/1-2", content.write(t, t.TempDir()))
	dir, _ := fetch(t, owner(t, s, 2), "7/1-2", t.TempDir())
	wantFiles(t, dir, content)
}

func TestMV6_OwnerThatFetchedSavesOnlyWhatIsNew(t *testing.T) {
	s, content := newSaves(t, newStore(t, t.TempDir())), someFiles(9)
	save(t, begin(t, s, 1), "7/1-1", content.write(t, t.TempDir()))
	o := owner(t, s, 2)
	dir, _ := fetch(t, o, "7/1-1", t.TempDir())
	content["000012.sst"] = noise(5, 10_000)
	if stats := save(t, o, "7/2-2", content.write(t, dir)); stats.Moved > 12_000 {
		t.Errorf("it uploaded %d bytes, 10000 were new", stats.Moved)
	}
}

// A node that had the partition before fetches the difference, whatever is wrong
// with what it has.
func TestMV2_FormerFilesAreTakenIfTheyAreRight(t *testing.T) {
	s, root, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), someFiles(9)
	one := begin(t, s, 1)
	save(t, one, "7/1-1", content.write(t, t.TempDir()))
	dir, stats := fetch(t, owner(t, s, 2), "7/1-1", root)
	if stats.Reused != 0 {
		t.Errorf("reused %d bytes of nothing", stats.Reused)
	}
	content["000013.sst"] = noise(5, 10_000)
	two := owner(t, s, 3)
	other, _ := fetch(t, two, "7/1-1", t.TempDir())
	save(t, two, "7/3-2", content.write(t, other))

	// The former owner went on by itself and wrote other things under the same names.
	files{"000013.sst": noise(6, 10_000), "000009.log": noise(7, 3000)}.write(t, dir)
	dir, stats = fetch(t, owner(t, s, 4), "7/3-2", root)
	wantFiles(t, dir, content)
	if stats.Moved != 13_000 {
		t.Errorf("moved %d bytes, want those of the table and the log", stats.Moved)
	}
	// Bytes that fell over on the disk are not handed on.
	damaged := []byte(content["000007.sst"])
	damaged[len(damaged)/2] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "000007.sst"), damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Clean(root, dir); err != nil {
		t.Fatal(err)
	}
	dir, stats = fetch(t, owner(t, s, 5), "7/3-2", root)
	wantFiles(t, dir, content)
	if stats.Moved != 70_000 {
		t.Errorf("moved %d bytes, want those of the damaged table", stats.Moved)
	}
}

func TestMV2_LogThatIsWrittenOnDoesNotChangeTheFormerDirectory(t *testing.T) {
	s, root, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), someFiles(9)
	save(t, begin(t, s, 1), "7/1-1", content.write(t, t.TempDir()))
	before, _ := fetch(t, owner(t, s, 2), "7/1-1", root)
	after, _ := fetch(t, owner(t, s, 3), "7/1-1", root)
	for _, name := range []string{"000009.log", "MANIFEST-000001"} {
		f, err := os.OpenFile(filepath.Join(after, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("more"); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, before, content)
}

func TestCleanLeavesOneDirectory(t *testing.T) {
	s, root, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), someFiles(9)
	save(t, begin(t, s, 1), "7/1-1", content.write(t, t.TempDir()))
	fetch(t, owner(t, s, 2), "7/1-1", root)
	dir, _ := fetch(t, owner(t, s, 3), "7/1-1", root)
	if err := Clean(root, dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
	wantFiles(t, dir, content)
}

// Two owners go on from one state and give their files the same names.
func TestMV4_OwnersThatDivergeDoNotMeet(t *testing.T) {
	s, content := newSaves(t, newStore(t, t.TempDir())), someFiles(9)
	save(t, begin(t, s, 1), "7/1-1", content.write(t, t.TempDir()))
	one, two := owner(t, s, 2), owner(t, s, 3)
	dirOne, _ := fetch(t, one, "7/1-1", t.TempDir())
	dirTwo, _ := fetch(t, two, "7/1-1", t.TempDir())
	ones, twos := maps.Clone(content), maps.Clone(content)
	ones["000012.sst"], twos["000012.sst"] = noise(5, 10_000), noise(6, 10_000)
	save(t, one, "7/2-2", ones.write(t, dirOne))
	save(t, two, "7/3-2", twos.write(t, dirTwo))
	for stateName, want := range map[string]files{"7/1-1": content, "7/2-2": ones, "7/3-2": twos} {
		dir, _ := fetch(t, owner(t, s, 9), stateName, t.TempDir())
		wantFiles(t, dir, want)
	}
	if _, err := two.Save(t.Context(), "7/2-3", dirTwo); !errors.Is(err, ErrOrder) {
		t.Errorf("save under another epoch: %v, want ErrOrder", err)
	}
}

func TestWrongUseIsRefused(t *testing.T) {
	s, dir := newSaves(t, newStore(t, t.TempDir())), someFiles(9).write(t, t.TempDir())
	o := begin(t, s, 2)
	save(t, o, "7/2-5", dir)
	f := func(o *Owner, stateName string, want error) {
		t.Helper()
		if _, err := o.Save(t.Context(), stateName, dir); !errors.Is(err, want) {
			t.Errorf("save %s: %v, want %v", stateName, err, want)
		}
	}
	f(owner(t, s, 3), "7/3-6", ErrOrder) // nothing fetched
	for _, stateName := range []string{"7/2-4", "7/1-9", "7/3-9", "8/2-9"} {
		f(o, stateName, ErrOrder)
	}
	for _, stateName := range []string{"", "7", "7/2", "7/2-", "7/02-6", "7/2-6 ", "-7/2-6", "7/2-6/x", "../2-6", "7/+2-6"} {
		f(o, stateName, ErrName)
	}
	if _, _, err := o.Fetch(t.Context(), "7/3-1", t.TempDir()); !errors.Is(err, ErrOrder) {
		t.Errorf("fetch of a later epoch: %v, want ErrOrder", err)
	}
	if n, err := parseName(intent.StateName(7, 2, 5)); err != nil || n != (name{7, 2, 5}) {
		t.Errorf("name of package intent: %v, %v", n, err)
	}
}

// objects returns all keys of a store.
func objects(t testing.TB, s blob.Store) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// Each object is taken away once, changed at each of some places once, and cut
// short once. Fetch says so, and the directory does not appear.
func TestMV2_DamageInTheStoreIsReported(t *testing.T) {
	dir := t.TempDir()
	store := newStore(t, dir)
	s := newSaves(t, store)
	save(t, begin(t, s, 1), "7/1-1", someFiles(9).write(t, t.TempDir()))
	f := func(what, key string, change func([]byte) []byte, wants ...error) {
		t.Helper()
		path := filepath.Join(dir, key)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if changed := change(bytes.Clone(whole)); changed == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, changed, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		root := t.TempDir()
		_, _, err = owner(t, s, 2).Fetch(t.Context(), "7/1-1", root)
		if !slices.ContainsFunc(wants, func(want error) bool { return errors.Is(err, want) }) {
			t.Errorf("%s of %s: %v, want one of %v", what, key, err, wants)
		} else if !strings.Contains(err.Error(), "object-storage.md") {
			t.Errorf("%s of %s: the error says no remedy: %v", what, key, err)
		}
		if _, err := os.Stat(filepath.Join(root, "2")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of %s: the directory is there: %v", what, key, err)
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range objects(t, store) {
		f("loss", key, func([]byte) []byte { return nil }, blob.ErrNotFound)
		f("cut", key, func(b []byte) []byte { return b[:len(b)-3] }, blob.ErrCorrupt)
		for part := range 8 {
			f("changed byte", key, func(b []byte) []byte { b[(len(b)-1)*part/7] ^= 4; return b }, blob.ErrCorrupt)
		}
	}
	fetch(t, owner(t, s, 2), "7/1-1", t.TempDir()) // all is as it was
	f("loss", objects(t, store)[0], func([]byte) []byte { return nil }, blob.ErrNotFound)
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	store := newStore(t, dir)
	s := newSaves(t, store)
	save(t, begin(t, s, 1), "7/1-1", someFiles(9).write(t, t.TempDir()))
	for _, key := range objects(t, store) {
		whole, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(t.Context(), "7/1-1"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("without %s: %v, want ErrNotFound", key, err)
		}
		content := blob.Bytes(whole[:len(whole)-48])
		if err := store.Put(t.Context(), key, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(t.Context(), "7/1-1"); err != nil {
		t.Error(err)
	}
}

// A store that lies about bytes and checks nothing is found out by the names of
// pieces.
func TestMV2_StoreIsNotTrusted(t *testing.T) {
	store := newStore(t, t.TempDir())
	s := newSaves(t, store)
	save(t, begin(t, s, 1), "7/1-1", someFiles(9).write(t, t.TempDir()))
	for _, key := range objects(t, store) {
		if !strings.HasPrefix(key, piecePrefix(7)) {
			continue
		}
		b, err := blob.Read(t.Context(), store, key, maxPiece)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range [][]byte{append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]^1), b[:len(b)-1], append(bytes.Clone(b), 0)} {
			if err := store.Put(t.Context(), key, blob.Bytes(other)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := owner(t, s, 2).Fetch(t.Context(), "7/1-1", t.TempDir()); !errors.Is(err, blob.ErrCorrupt) {
				t.Errorf("%s with other bytes: %v, want ErrCorrupt", key, err)
			}
		}
		if err := store.Put(t.Context(), key, blob.Bytes(b)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHostileInventoryIsCorrupt(t *testing.T) {
	good := `{"version":1,"name":"7/1-1","files":[{"name":"000004.sst","size":3,"pieces":[{"save":"0000000000000001-0000000000000001","size":3,"sha256":"` +
		strings.Repeat("a", 64) + `"}]}]}`
	n := name{7, 1, 1}
	if _, err := decodeInventory([]byte(good), n); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"000004.sst", "../x"}, {"000004.sst", "a/b"}, {"000004.sst", ".."}, {"000004.sst", ""}, {"000004.sst", ".fetching"}, {"7/1-1", "7/1-2"},
		{`"size":3,"pieces"`, `"size":4,"pieces"`}, {`"size":3,"sha`, `"size":-3,"sha`}, {`"size":3,"pieces"`, `"size":-3,"pieces"`},
		{"aaaa", "AAAA"}, {"aaaa", "/../"}, {"0000000000000001-", "0000000000000002-"}, {"0000000000000001-", "../"}, {`"files":[`, `"files":[{"name":"000004.sst"},`},
		{"{", "["},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if _, err := decodeInventory([]byte(bad), n); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("%s instead of %s: %v, want ErrCorrupt", change[1], change[0], err)
		}
	}
	_, err := decodeInventory([]byte(strings.Replace(good, `"version":1`, `"version":2`, 1)), n)
	if err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("another version: %v, want an error that names it", err)
	}
}

func TestTelemetryTellsWhatMoved(t *testing.T) {
	reg := prometheus.NewRegistry()
	faults := &blobtest.Faults{Store: newStore(t, t.TempDir()), Decide: func(blobtest.Call) blobtest.Fault { return blobtest.None }}
	s, err := New(DefaultConfig(), Deps{Store: faults, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	stats := save(t, begin(t, s, 1), "7/1-1", someFiles(9).write(t, t.TempDir()))
	if stats.Calls != faults.Calls() {
		t.Errorf("%d calls were told, there were %d", stats.Calls, faults.Calls())
	}
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range gathered {
		if family.GetName() == "tidemark_state_save_bytes_total" {
			if got := family.GetMetric()[0].GetCounter().GetValue(); got != float64(stats.Moved) {
				t.Errorf("telemetry tells %v bytes, Save %d", got, stats.Moved)
			}
			return
		}
	}
	t.Error("there is no tidemark_state_save_bytes_total")
}
