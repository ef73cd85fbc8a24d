// The state contract on Pebble: commits are whole, durable and checked.
package pebblestate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

func openOn(t *testing.T, fs vfs.FS) *State { return openAs(t, fs, false) }

func openAs(t *testing.T, fs vfs.FS, portable bool) *State {
	t.Helper()
	s, err := Open(Config{Dir: "state", CacheBytes: 1 << 20, Portable: portable}, Deps{FS: fs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// commitClients writes n clients with values of that round, and a Meta that says so.
func commitClients(s *State, round uint64, n int) error {
	c := s.Begin()
	defer c.Abandon()
	for i := range n {
		if err := c.Client(event.Partition(i%3), fmt.Appendf(nil, "client %d", i), fmt.Appendf(nil, "round %d of %d", round, i)); err != nil {
			return err
		}
	}
	return c.Finish(context.Background(), &state.Meta{Sequence: round, Partitions: make([]state.Partition, 3)})
}

// checkRound: Meta and every client are of the same round (C1, C2).
func checkRound(t *testing.T, s *State, n int) uint64 {
	t.Helper()
	m, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	round := uint64(0)
	if m != nil {
		round = m.Sequence
	}
	for i := range n {
		got, err := s.Client(event.Partition(i%3), fmt.Appendf(nil, "client %d", i))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("round %d of %d", round, i)
		if round == 0 {
			want = ""
		}
		if string(got) != want {
			t.Fatalf("client %d is %q, Meta is of round %d", i, got, round)
		}
	}
	return round
}

func TestClientIsOfItsPartition(t *testing.T) {
	s := openOn(t, vfs.NewMem())
	defer s.Close()
	if err := commitClients(s, 1, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Client(1, []byte("client 0")); err != nil || got != nil {
		t.Errorf("Client of another partition = %q, %v; want nothing", got, err)
	}
}

func TestAbandonedCommitLeavesNothing(t *testing.T) {
	s := openOn(t, vfs.NewMem())
	defer s.Close()
	if err := commitClients(s, 1, 5); err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	if err := c.Client(0, []byte("client 0"), []byte("half")); err != nil {
		t.Fatal(err)
	}
	c.Abandon()
	c.Abandon() // is allowed twice
	if got := checkRound(t, s, 5); got != 1 {
		t.Errorf("round %d, want 1", got)
	}
}

// A power cut before every file operation leaves a whole round: the last that
// Finish reported, or the one under way.
func TestPowerCutLeavesAWholeCommitC1(t *testing.T) {
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable=%v", portable), func(t *testing.T) { cutPower(t, portable) })
	}
}

func cutPower(t *testing.T, portable bool) {
	const clients = 200
	mem := vfs.NewCrashableMem()
	type cut struct {
		fs   *vfs.MemFS
		done uint64
	}
	var cuts []cut
	done, recording := uint64(0), true
	rng := rand.New(rand.NewPCG(3, 4))
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if recording && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), done})
		}
		return nil
	}))
	s := openAs(t, fs, portable)
	for round := uint64(1); round <= 6; round++ {
		if err := commitClients(s, round, clients); err != nil {
			t.Fatal(err)
		}
		done = round
		if portable && round%2 == 0 {
			if err := s.Purge(t.Context(), 0, nil); err != nil { // flushes: the next WAL could use this one's file again
				t.Fatal(err)
			}
		}
	}
	recording = false
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(cuts) < 12 {
		t.Fatalf("only %d power cuts", len(cuts))
	}
	for i, c := range cuts {
		again := openAs(t, c.fs, portable)
		if got := checkRound(t, again, clients); got != c.done && got != c.done+1 {
			t.Errorf("cut %d: round %d came back, %d was finished", i, got, c.done)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Every byte of every table is flipped once (in steps): it is reported or harmless,
// never returned as something else.
func TestFlippedBytesAreReportedC3(t *testing.T) {
	const clients = 300
	mem := vfs.NewMem()
	s := openOn(t, mem)
	if err := commitClients(s, 1, clients); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	table, content := readTable(t, mem)
	reported := 0
	for at := 0; at < len(content); at += 7 {
		damaged := bytes.Clone(content)
		damaged[at] ^= 0x40
		writeFile(t, mem, table, damaged)
		if damageIsReported(t, mem, clients) {
			reported++
		}
	}
	if reported < len(content)/7/2 {
		t.Errorf("%d of %d flipped bytes were reported: that is too few to believe", reported, len(content)/7)
	}
}

func readTable(t *testing.T, fs vfs.FS) (string, []byte) {
	t.Helper()
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		f, err := fs.Open("state/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return "state/" + name, content
	}
	t.Fatal("there is no table")
	return "", nil
}

func writeFile(t *testing.T, fs vfs.FS, name string, content []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func damageIsReported(t *testing.T, fs vfs.FS, clients int) bool {
	t.Helper()
	s, err := Open(Config{Dir: "state", CacheBytes: 1 << 20}, Deps{FS: fs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return errors.Is(err, state.ErrCorrupt) || pebble.IsCorruptionError(err)
	}
	defer s.Close()
	m, err := s.Load(t.Context())
	if err != nil {
		return true
	}
	if m == nil || m.Sequence != 1 {
		t.Fatalf("damaged Meta was returned: %+v", m)
	}
	for i := range clients {
		got, err := s.Client(event.Partition(i%3), fmt.Appendf(nil, "client %d", i))
		if err != nil {
			return true
		}
		if want := fmt.Sprintf("round 1 of %d", i); string(got) != want {
			t.Fatalf("client %d is %q, was %q", i, got, want)
		}
	}
	return false
}

func TestAnotherFormatIsRefused(t *testing.T) {
	s := openOn(t, vfs.NewMem())
	defer s.Close()
	if err := s.db.Set([]byte{metaKey}, seal(nil, []byte(`{"version":99}`)), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("Load = %v, want an error that names format 99", err)
	}
}
