// Commits that are written as tables keep the promises of those that are a batch.
package pebblestate

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

// spilling is a state that writes tables of a kilobyte or two from the first key on.
func spilling(t *testing.T, fs vfs.FS) *State {
	t.Helper()
	s := openOn(t, fs)
	s.spill, s.size = 1, 2<<10
	return s
}

// commitInOrder writes what commitClients does, in order and saying so.
func commitInOrder(s *State, round uint64, n int) error {
	var all []int
	for i := range n {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b int) int { // "client 10" is before "client 2"
		return cmp.Or(cmp.Compare(a%3, b%3), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	c := s.Begin()
	defer c.Abandon()
	c.InOrder()
	for _, i := range all {
		if err := c.Client(event.Partition(i%3), fmt.Appendf(nil, "client %d", i), fmt.Appendf(nil, "round %d of %d", round, i)); err != nil {
			return err
		}
	}
	return c.Finish(context.Background(), &state.Meta{Sequence: round, Partitions: make([]state.Partition, 3)})
}

func tablesLeft(t *testing.T, fs vfs.FS) (left []string) {
	t.Helper()
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, tablePrefix) {
			left = append(left, name)
		}
	}
	return left
}

func TestLargeCommitsAreWholeC1(t *testing.T) {
	const clients = 500
	mem := vfs.NewMem()
	s := spilling(t, mem)
	for round := uint64(1); round <= 5; round++ {
		if err := commitInOrder(s, round, clients); err != nil {
			t.Fatal(err)
		}
		if got := checkRound(t, s, clients); got != round {
			t.Fatalf("round %d, want %d", got, round)
		}
		// A small commit between two large ones, as upkeep makes them.
		c := s.Begin()
		if err := c.Finish(t.Context(), &state.Meta{Sequence: round, Partitions: make([]state.Partition, 3)}); err != nil {
			t.Fatal(err)
		}
		c.Abandon()
	}
	if s.tables < 25 {
		t.Errorf("five commits made %d tables, want five each or more", s.tables)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openOn(t, mem)
	defer s.Close()
	if got := checkRound(t, s, clients); got != 5 {
		t.Errorf("round %d after opening again, want 5", got)
	}
	if left := tablesLeft(t, mem); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestLargeCommitThatIsAbandonedLeavesNothing(t *testing.T) {
	mem := vfs.NewMem()
	s := spilling(t, mem)
	defer s.Close()
	if err := commitInOrder(s, 1, 100); err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	c.InOrder()
	for i := range 100 {
		if err := c.Client(0, fmt.Appendf(nil, "x%03d", i), bytes.Repeat([]byte("half"), 10)); err != nil {
			t.Fatal(err)
		}
	}
	if len(tablesLeft(t, mem)) == 0 {
		t.Error("the commit made no table: the test tests nothing")
	}
	c.Abandon()
	if left := tablesLeft(t, mem); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if got := checkRound(t, s, 100); got != 1 {
		t.Errorf("round %d, want 1", got)
	}
}

func TestLargeCommitDeletesS30(t *testing.T) {
	s := spilling(t, vfs.NewMem())
	defer s.Close()
	if err := commitInOrder(s, 1, 100); err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	c.InOrder()
	for i, value := range [][]byte{[]byte("first"), nil, nil} {
		if err := c.Client(0, fmt.Appendf(nil, "client %d", 3*i), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Finish(t.Context(), &state.Meta{Sequence: 2}); err != nil {
		t.Fatal(err)
	}
	c.Abandon()
	for i, want := range []string{"first", "", "", "round 1 of 9"} {
		got, err := s.Client(0, fmt.Appendf(nil, "client %d", 3*i))
		if err != nil || string(got) != want {
			t.Errorf("client %d is %q, %v, want %q", 3*i, got, err, want)
		}
	}
}

// After a large commit the next is expected to be large, until one is not.
func TestOneSmallCommitEndsTheExpectationOfLargeOnes(t *testing.T) {
	s := openOn(t, vfs.NewMem())
	defer s.Close()
	s.spill, s.size = 1<<20, 1<<20
	var made []int
	for _, n := range []int{2000, 2000, 200, 200} {
		before := s.tables
		c := s.Begin()
		c.InOrder()
		for i := range n {
			if err := c.Client(0, fmt.Appendf(nil, "client %06d", i), bytes.Repeat([]byte("x"), 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Finish(t.Context(), &state.Meta{}); err != nil {
			t.Fatal(err)
		}
		c.Abandon()
		made = append(made, s.tables-before)
	}
	if want := []int{2, 2, 1, 0}; !slices.Equal(made, want) {
		t.Errorf("commits made %v tables, want %v", made, want)
	}
}

func TestKeysOutOfOrderAreRefusedInALargeCommit(t *testing.T) {
	s := spilling(t, vfs.NewMem())
	defer s.Close()
	for _, second := range []string{"a", "b"} {
		c := s.Begin()
		c.InOrder()
		if err := c.Client(0, []byte("b"), []byte("1")); err != nil {
			t.Fatal(err)
		}
		if err := c.Client(0, []byte(second), []byte("2")); err == nil {
			t.Errorf("%q was taken after b", second)
		}
		c.Abandon()
	}
}

// A power cut before every file operation leaves a whole round and no table that is
// nobody's.
func TestPowerCutDuringLargeCommitsC1(t *testing.T) {
	const clients = 200
	mem := vfs.NewCrashableMem()
	type cut struct {
		fs   *vfs.MemFS
		done uint64
	}
	var cuts []cut
	done, recording := uint64(0), false
	rng := rand.New(rand.NewPCG(5, 6))
	s := spilling(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if recording && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), done})
		}
		return nil
	})))
	recording = true
	for round := uint64(1); round <= 6; round++ {
		write := commitInOrder
		if round%3 == 0 {
			write = commitClients // a batch in between: its memtable overlaps the next tables
		}
		if err := write(s, round, clients); err != nil {
			t.Fatal(err)
		}
		done = round
	}
	recording = false
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	withTables := 0
	for i, c := range cuts {
		if len(tablesLeft(t, c.fs)) > 0 {
			withTables++
		}
		again := openOn(t, c.fs)
		if got := checkRound(t, again, clients); got != c.done && got != c.done+1 {
			t.Errorf("cut %d: round %d came back, %d was finished", i, got, c.done)
		}
		if left := tablesLeft(t, c.fs); len(left) > 0 {
			t.Errorf("cut %d: left over: %v", i, left)
		}
		if err := commitInOrder(again, 9, clients); err != nil {
			t.Fatal(err)
		}
		if got := checkRound(t, again, clients); got != 9 {
			t.Errorf("cut %d: round %d after going on, want 9", i, got)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if withTables < 20 {
		t.Errorf("only %d of %d power cuts found tables of a commit under way", withTables, len(cuts))
	}
}

// What a large commit says of a client is on disk once, not also in a WAL.
func TestLargeCommitsAreInNoWAL(t *testing.T) {
	mem := vfs.NewMem()
	s := spilling(t, mem)
	defer s.Close()
	if err := commitInOrder(s, 7, 300); err != nil {
		t.Fatal(err)
	}
	names, err := mem.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		f, err := mem.Open("state/" + name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		// The first keys were in the batch that became a table, which no WAL has seen.
		if bytes.Contains(content, []byte("round 7 of")) {
			t.Errorf("%s holds clients", name)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
