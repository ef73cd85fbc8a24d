// Crashes at every step, faults at every call.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
)

var errCrash = errors.New("crash")

// oneByOne returns saves whose steps and calls are in one order in all lives.
func oneByOne(t *testing.T, store blob.Store) *Saves {
	t.Helper()
	s, err := New(Config{Parallel: 1}, Deps{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crashAt ends the work at step n, and at all that follow, as a process does that
// died. It returns how many steps there were.
func crashAt(s *Saves, n int) (steps func() int) {
	var mu sync.Mutex
	count := 0
	s.step = func(string) error {
		mu.Lock()
		defer mu.Unlock()
		count++
		if n > 0 && count >= n {
			return errCrash
		}
		return nil
	}
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

// A save that dies at any step leaves the one before whole; the same owner goes
// on, and so does another one.
func TestMV1_SaveThatDiesAtAnyStepIsWholeOrNotThere(t *testing.T) {
	before, after := someFiles(9), someFiles(9)
	after["000012.sst"], after["000009.log"] = noise(5, 10_000), noise(6, 5000)
	steps := countSteps(t, before, after)
	for n := 1; n <= steps+1; n++ {
		store := newStore(t, t.TempDir())
		s, dir := newSaves(t, store), before.write(t, t.TempDir())
		o := begin(t, s, 1)
		save(t, o, "7/1-1", dir)
		after.write(t, dir)
		crashAt(s, n)
		_, err := o.Save(t.Context(), "7/1-2", dir)
		crashAt(s, 0)
		if died := n <= steps; died != errors.Is(err, errCrash) {
			t.Fatalf("step %d of %d: %v", n, steps, err)
		}
		got, _ := fetch(t, owner(t, s, 3), "7/1-1", t.TempDir())
		wantFiles(t, got, before)
		if err != nil {
			if _, _, err := owner(t, s, 3).Fetch(t.Context(), "7/1-2", t.TempDir()); !errors.Is(err, blob.ErrNotFound) {
				t.Fatalf("step %d: the save is there: %v", n, err)
			}
			save(t, o, "7/1-2", dir)
		}
		got, _ = fetch(t, owner(t, s, 3), "7/1-2", t.TempDir())
		wantFiles(t, got, after)
		// What the attempt left is of no use and goes.
		if _, err := owner(t, s, 3).Prune(t.Context(), "7/1-2"); err != nil {
			t.Fatal(err)
		}
		wantOnlyNeeded(t, s, store, "7/1-2")
	}
}

func countSteps(t *testing.T, before, after files) int {
	t.Helper()
	s, dir := newSaves(t, newStore(t, t.TempDir())), before.write(t, t.TempDir())
	o := begin(t, s, 1)
	save(t, o, "7/1-1", dir)
	after.write(t, dir)
	count := crashAt(s, 0)
	save(t, o, "7/1-2", dir)
	return count()
}

// wantOnlyNeeded: the store holds the saves and their pieces, and nothing else.
func wantOnlyNeeded(t *testing.T, s *Saves, store blob.Store, stateNames ...string) {
	t.Helper()
	needed := map[string]bool{}
	for _, text := range stateNames {
		n, err := parseName(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.need(t.Context(), n, needed); err != nil {
			t.Fatal(err)
		}
		needed[n.inventoryKey()] = true
	}
	if got := objects(t, store); len(got) != len(needed) {
		t.Fatalf("the store holds %d objects, %d are needed: %v", len(got), len(needed), got)
	}
}

// A fetch that dies at any step: the directory is as it was, missing, or complete
// (MV3). The next owner fetches, and what came already is not fetched again.
func TestMV3_FetchThatDiesAtAnyStepLeavesNoHalf(t *testing.T) {
	before, after := someFiles(9), someFiles(9)
	after["000012.sst"], after["000009.log"] = noise(5, 10_000), noise(6, 5000)
	s, dir := newSaves(t, newStore(t, t.TempDir())), before.write(t, t.TempDir())
	o := begin(t, s, 1)
	save(t, o, "7/1-1", dir)
	save(t, o, "7/1-2", after.write(t, dir))
	for n, more := 1, true; more; n++ {
		root := t.TempDir()
		same := owner(t, s, 2)
		old, _ := fetch(t, same, "7/1-1", root)
		crashAt(s, n)
		_, _, err := same.Fetch(t.Context(), "7/1-2", root)
		crashAt(s, 0)
		if more = err != nil; more && !errors.Is(err, errCrash) {
			t.Fatalf("step %d: %v", n, err)
		}
		if _, err := os.Stat(old); err == nil {
			got := lengths(readFiles(t, old))
			if !maps.Equal(got, lengths(before)) && !maps.Equal(got, lengths(after)) {
				t.Fatalf("step %d: the directory is neither of before nor of after: %v", n, got)
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		next := owner(t, s, 3)
		again, stats := fetch(t, next, "7/1-2", root)
		wantFiles(t, again, after)
		if stats.Moved > 15_000 {
			t.Errorf("step %d: %d bytes were fetched, though at most 15000 were not there", n, stats.Moved)
		}
		if err := Clean(root, again); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, again, after)
	}
}

// The order of steps is what makes a power cut harmless: nothing is renamed before
// it is synced, and the inventory is last.
func TestStepsAreInOrder(t *testing.T) {
	s := oneByOne(t, newStore(t, t.TempDir()))
	var got []string
	s.step = func(what string) error { got = append(got, what); return nil }
	f := func(want string) {
		t.Helper()
		if trace := strings.Join(got, ", "); trace != want {
			t.Errorf("got  %s\nwant %s", trace, want)
		}
		got = nil
	}
	content := files{"000004.sst": noise(1, 100), "000005.log": noise(2, 100)}
	o := begin(t, s, 1)
	got = nil
	save(t, o, "7/1-1", content.write(t, t.TempDir()))
	f("put piece, put piece, create inventory")
	root := t.TempDir()
	fetch(t, owner(t, s, 2), "7/1-1", root)
	f("make file, get piece, sync file, rename file, make file, get piece, sync file, rename file, sync work, rename work, sync root")
	fetch(t, owner(t, s, 3), "7/1-1", root)
	f("take file, take file, rename file, sync work, rename work, sync root")
	fetch(t, owner(t, s, 3), "7/1-1", root)
	f("take file, take file, rename file, sync work, rename former, rename work, sync root")
}

// Each call of the store fails once, in each way: the work fails or succeeds,
// never with other bytes, and succeeds when it is tried again.
func TestMV1_FaultAtEveryCallHarmsNothing(t *testing.T) {
	verbs := faultAt(t, blobtest.None, 0)
	for n := 1; n <= len(verbs); n++ {
		for _, fault := range []blobtest.Fault{blobtest.Before, blobtest.After, blobtest.Short, blobtest.Flip} {
			if fault <= blobtest.After || verbs[n-1] == "get" {
				faultAt(t, fault, n)
			}
		}
	}
}

// faultAt returns the calls that a life has.
func faultAt(t *testing.T, fault blobtest.Fault, n int) (verbs []string) {
	t.Helper()
	var mu sync.Mutex
	at := 0
	faults := &blobtest.Faults{Store: newStore(t, t.TempDir())}
	faults.Decide = func(c blobtest.Call) blobtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		verbs = append(verbs, c.Verb)
		if c.N == n {
			at++
			return fault
		}
		return blobtest.None
	}
	s := oneByOne(t, faults)
	try := func(do func() error) {
		t.Helper()
		err := do()
		if err == nil {
			return
		}
		if !errors.Is(err, blobtest.ErrInjected) {
			t.Fatalf("fault %d at call %d: %v", fault, n, err)
		}
		if err := do(); err != nil {
			t.Fatalf("fault %d at call %d, tried again: %v", fault, n, err)
		}
	}
	content, dir := someFiles(9), t.TempDir()
	o := begin(t, s, 1)
	var want []files
	for seq := 1; seq <= 3; seq++ {
		content["000009.log"] += noise(byte(seq), 1000)
		content[fmt.Sprintf("%06d.sst", 20+seq)] = noise(byte(seq), 5000)
		content.write(t, dir)
		try(func() error { _, err := o.Save(t.Context(), fmt.Sprintf("7/1-%d", seq), dir); return err })
		want = append(want, maps.Clone(content))
	}
	two := owner(t, s, 2)
	root := t.TempDir()
	for seq, w := range want {
		var got string
		try(func() (err error) {
			got, _, err = two.Fetch(t.Context(), fmt.Sprintf("7/1-%d", seq+1), root)
			return err
		})
		wantFiles(t, got, w)
	}
	try(func() error { _, err := two.Prune(t.Context(), "7/1-3", "7/1-2"); return err })
	wantOnlyNeeded(t, newSaves(t, faults.Store), faults.Store, "7/1-2", "7/1-3")
	if n > 0 && at != 1 {
		t.Fatalf("call %d happened %d times", n, at)
	}
	return verbs
}

// A save whose answer was lost is there. Trying again with a later copy of the
// same state, of other files, does not change it, and the next save builds on what
// is there.
func TestMV1_InventoryThatIsThereStays(t *testing.T) {
	lose := true
	faults := &blobtest.Faults{Store: newStore(t, t.TempDir())}
	faults.Decide = func(c blobtest.Call) blobtest.Fault {
		if c.Verb == "create" && lose {
			return blobtest.After
		}
		return blobtest.None
	}
	s, dir, first := newSaves(t, faults), t.TempDir(), someFiles(9)
	o := begin(t, s, 1)
	if _, err := o.Save(t.Context(), "7/1-1", first.write(t, dir)); !errors.Is(err, blob.ErrAway) {
		t.Fatalf("save: %v, want ErrAway", err)
	}
	lose = false
	second := maps.Clone(first)
	delete(second, "000007.sst") // compacted away
	second["000012.sst"] = noise(5, 10_000)
	if err := os.Remove(filepath.Join(dir, "000007.sst")); err != nil {
		t.Fatal(err)
	}
	save(t, o, "7/1-1", second.write(t, dir))
	got, _ := fetch(t, owner(t, s, 2), "7/1-1", t.TempDir())
	wantFiles(t, got, first)
	save(t, o, "7/1-2", dir)
	if _, err := o.Prune(t.Context(), "7/1-2", "7/1-1"); err != nil {
		t.Fatal(err)
	}
	for stateName, want := range map[string]files{"7/1-1": first, "7/1-2": second} {
		got, _ := fetch(t, owner(t, s, 2), stateName, t.TempDir())
		wantFiles(t, got, want)
	}
}

// Prune that dies anywhere leaves every save that it was to keep.
func TestMV5_PruneThatDiesAnywhereHarmsNothing(t *testing.T) {
	for n, more := 1, true; more; n++ {
		store := newStore(t, t.TempDir())
		s, dir, content := oneByOne(t, store), t.TempDir(), someFiles(9)
		o := begin(t, s, 1)
		want := map[string]files{}
		for seq := 1; seq <= 5; seq++ {
			content["000009.log"] = noise(byte(seq), 4000)
			content[fmt.Sprintf("%06d.sst", 20+seq)] = noise(byte(seq), 5000)
			stateName := fmt.Sprintf("7/1-%d", seq)
			save(t, o, stateName, content.write(t, dir))
			want[stateName] = maps.Clone(content)
		}
		crashAt(s, n)
		_, err := o.Prune(t.Context(), "7/1-4", "7/1-2")
		crashAt(s, 0)
		if more = err != nil; more && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		for _, stateName := range []string{"7/1-2", "7/1-4", "7/1-5"} {
			got, _ := fetch(t, owner(t, s, 9), stateName, t.TempDir())
			wantFiles(t, got, want[stateName])
		}
		// An inventory that is still there is whole.
		for _, stateName := range []string{"7/1-1", "7/1-3"} {
			id, err := parseName(stateName)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context(), stateName); err != nil && slices.Contains(objects(t, store), id.inventoryKey()) {
				t.Errorf("step %d: %v", n, err)
			}
		}
		if _, err := o.Prune(t.Context(), "7/1-5"); err != nil {
			t.Fatal(err)
		}
		wantOnlyNeeded(t, s, store, "7/1-5")
	}
}

func TestMV5_PruneThatKnowsNoDoneStateDeletesNothing(t *testing.T) {
	store := newStore(t, t.TempDir())
	s := newSaves(t, store)
	o := begin(t, s, 1)
	save(t, o, "7/1-1", someFiles(9).write(t, t.TempDir()))
	save(t, o, "7/1-2", someFiles(8).write(t, t.TempDir()))
	before := objects(t, store)
	for _, args := range [][]string{{"7/1-3"}, {"7/1-2", "7/1-0"}, {"7/1-1", "7/1-2"}, {"8/1-2"}, {""}, {"7/1-2", ""}} {
		if _, err := o.Prune(context.Background(), args[0], args[1:]...); err == nil {
			t.Errorf("prune %q succeeded", args)
		}
	}
	if after := objects(t, store); !slices.Equal(before, after) {
		t.Errorf("objects went: %v, then %v", before, after)
	}
}

// What a program that died in the middle of a piece left is fetched anew; other
// people's objects below the prefix stay.
func TestMV5_PruneLeavesWhatIsNotOurs(t *testing.T) {
	store := newStore(t, t.TempDir())
	s := newSaves(t, store)
	o := begin(t, s, 1)
	for _, key := range []string{"state/7/piece/readme", "state/7/save/0-0", "state/70/save/0000000000000001-0000000000000001", "other/x"} {
		if err := store.Put(t.Context(), key, blob.Bytes([]byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	save(t, o, "7/1-1", someFiles(9).write(t, t.TempDir()))
	before := objects(t, store)
	if _, err := o.Prune(t.Context(), "7/1-1"); err != nil {
		t.Fatal(err)
	}
	if after := objects(t, store); !slices.Equal(before, after) {
		t.Errorf("objects went: %v, then %v", before, after)
	}
}

func TestMV3_LeftoversOfADeadFetchAreNoFiles(t *testing.T) {
	s, root, content := newSaves(t, newStore(t, t.TempDir())), t.TempDir(), someFiles(9)
	save(t, begin(t, s, 1), "7/1-1", content.write(t, t.TempDir()))
	work := filepath.Join(root, fetching)
	files{"000004.sst" + partial: "half", "stranger": "x", "000007.sst": noise(77, 70_000), "000009.log": "short"}.write(t, work)
	if err := os.Mkdir(filepath.Join(work, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, _ := fetch(t, owner(t, s, 2), "7/1-1", root)
	wantFiles(t, dir, content)
	if _, err := os.Stat(filepath.Join(dir, "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder of a dead fetch is in the directory: %v", err)
	}
	if bytes.Contains([]byte(fmt.Sprint(readFiles(t, dir))), []byte("half")) {
		t.Error("half a file is in the directory")
	}
}
