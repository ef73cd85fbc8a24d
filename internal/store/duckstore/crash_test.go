// Crashes: after each file operation the power may go. What was not synced is
// then lost or half there; a store opened with the last committed manifest must
// answer as if nothing had been under way, and one opened with the manifest that the
// operation returned must have all of it (T3, T4).
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var errPowerLoss = errors.New("the power went")

// lossyFiles does what osFiles does, remembers what a disk may forget, and
// stops everything after a number of operations.
type lossyFiles struct {
	osFiles
	left    int // operations until the power goes; negative: never
	trace   []string
	synced  map[string]bool
	renamed [][2]string // since the directory was synced
}

func newLossyFiles(left int) *lossyFiles {
	return &lossyFiles{left: left, synced: map[string]bool{}}
}

func (l *lossyFiles) step(op string, paths ...string) error {
	if l.left == 0 {
		return errPowerLoss
	}
	l.left--
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	l.trace = append(l.trace, op+" "+strings.Join(paths, " "))
	return nil
}

func (l *lossyFiles) Sync(path string) error {
	if err := l.step("sync", path); err != nil {
		return err
	}
	l.synced[path] = true
	return l.osFiles.Sync(path)
}

func (l *lossyFiles) Rename(from, to string) error {
	if err := l.step("rename", from, to); err != nil {
		return err
	}
	l.synced[to] = l.synced[from]
	l.renamed = append(l.renamed, [2]string{from, to})
	return l.osFiles.Rename(from, to)
}

func (l *lossyFiles) SyncDir(path string) error {
	if err := l.step("sync-dir"); err != nil {
		return err
	}
	l.renamed = nil
	return l.osFiles.SyncDir(path)
}

func (l *lossyFiles) Remove(path string) error {
	if err := l.step("remove", path); err != nil {
		return err
	}
	return l.osFiles.Remove(path)
}

// losePower leaves of dir what a disk guarantees: files that were there before
// the store was opened, and what was synced since.
func (l *lossyFiles) losePower(t *testing.T, dir string, before map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() || before[e.Name()] || l.synced[path] {
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range slices.Backward(l.renamed) {
		if err := os.Rename(r[1], r[0]); err != nil {
			t.Fatal(err)
		}
	}
}

// crashBase is a store of nine checkpoints, enough to compact.
func crashBase(t *testing.T) (dir string, m store.Manifest) {
	t.Helper()
	dir = t.TempDir()
	s := openTest(t, dir, store.Manifest{})
	for i := range 9 {
		m.Segments = append(m.Segments, checkpoint(t, s, m, crashBatch(i))...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func openTest(t testing.TB, dir string, m store.Manifest) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir}, m, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// crashBatch has one session, revised from batch to batch, and one of its own.
func crashBatch(i int) *store.Batch {
	at := event.Time(i+1) * 1_000_000
	id := event.RowID(i + 10)
	return &store.Batch{
		Events: []store.EventRow{{Property: 1, Row: id, Part: 1, Client: 1, EventTime: at, Path: "/shared"},
			{Property: 1, Row: id, Sub: 1, Part: id, Client: id, EventTime: at, Path: "/own"}},
		Sessions: []store.SessionRow{
			{Property: 1, Session: 1, Revision: uint64(i + 1), Counted: true, Start: 1_000_000, End: at, Views: int64(i)},
			{Property: 1, Session: id, Revision: uint64(i + 1), Counted: true, Start: at, End: at, Views: 1}},
		Aliases: []store.AliasRow{{Property: 1, Part: id, Session: id, Revision: uint64(i + 1), Time: at}},
	}
}

// checkpoint appends b and makes it a part of the store after m.
func checkpoint(t testing.TB, s *Store, m store.Manifest, b *store.Batch) []store.Segment {
	t.Helper()
	ctx := context.Background()
	if err := s.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	h, err := s.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	segs, err := s.WriteSegments(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	m.Segments = append(slices.Clone(m.Segments), segs...)
	if err := s.Install(ctx, m, h); err != nil {
		t.Fatal(err)
	}
	return segs
}

// crashAnswer is the state of a store in short.
func crashAnswer(t testing.TB, s *Store) string {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	out := ""
	for _, p := range []*store.Plan{
		{Property: 1, To: 1 << 60, Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}}},
		{Property: 1, To: 1 << 60, Relation: store.Sessions,
			Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.Sum, Column: store.ColSessionViews}}},
	} {
		rows, err := sn.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprint(rows.Aggregates)
	}
	return out
}

// operation changes the store and returns the manifest to commit.
type operation func(s *Store, m store.Manifest) (store.Manifest, error)

func writeOperation(s *Store, m store.Manifest) (store.Manifest, error) {
	ctx := context.Background()
	if err := s.Append(ctx, crashBatch(9)); err != nil {
		return m, err
	}
	h, err := s.Seal(ctx)
	if err != nil {
		return m, err
	}
	segs, err := s.WriteSegments(ctx, h)
	m.Segments = append(slices.Clone(m.Segments), segs...)
	return m, err
}

func compactOperation(s *Store, m store.Manifest) (store.Manifest, error) {
	c, err := s.Compact(context.Background(), m)
	return apply(m, c), err
}

func finalizeOperation(s *Store, m store.Manifest) (store.Manifest, error) {
	until := map[event.PropertyID]event.Time{1: 100_000_000}
	c, err := s.Finalize(context.Background(), m, until)
	m = apply(m, c)
	m.FinalUntil = until
	return m, err
}

func apply(m store.Manifest, c *store.Change) store.Manifest {
	m = cloneManifest(m)
	m.Segments = c.Apply(m.Segments)
	return m
}

func TestT3_T4_CrashAfterAnyFileOperationLosesNothingCommitted(t *testing.T) {
	base, committed := crashBase(t)
	before := "[[18 10]][[10 17]]"
	for name, tc := range map[string]struct {
		do    operation
		after string
	}{
		"write":    {writeOperation, "[[20 11]][[11 19]]"},
		"compact":  {compactOperation, before},
		"finalize": {finalizeOperation, before},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				if done := crashAt(t, base, committed, n, tc.do, crashAnswer, before, tc.after); done {
					if n < 3 {
						t.Errorf("the operation took %d file operations; are they counted?", n)
					}
					return
				}
			}
		})
	}
}

// crashAt lets the power go after n file operations; true if do needed fewer.
func crashAt(t *testing.T, base string, committed store.Manifest, n int, do operation,
	ask func(testing.TB, *Store) string, before, after string) bool {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint(n))
	if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, seg := range committed.Segments {
		there[seg.File] = true
	}
	fs := newLossyFiles(n)
	s, err := open(Config{Dir: dir}, committed, Deps{}, fs)
	if err != nil {
		t.Fatal(err)
	}
	m, err := do(s, committed)
	if err != nil && !errors.Is(err, errPowerLoss) {
		t.Fatalf("after %d operations: %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fs.losePower(t, dir, there)
	want, finished := before, err == nil
	if finished {
		committed, want = m, after
	}
	s = openTest(t, dir, committed)
	if got := ask(t, s); got != want {
		t.Errorf("power lost after %d operations: got %s want %s\n%s", n, got, want, strings.Join(fs.trace, "\n"))
	}
	unnamed(t, dir, committed)
	return finished
}

// unnamed fails if dir has a file that m does not name.
func unnamed(t *testing.T, dir string, m store.Manifest) {
	t.Helper()
	want := map[string]bool{tempName: true}
	for _, seg := range m.Segments {
		want[seg.File] = true
	}
	got := map[string]bool{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got[e.Name()] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files after open (-named +there):\n%s", diff)
	}
}

func TestT3_FileIsSyncedBeforeItIsNamedAndDirectoryLast(t *testing.T) {
	fs := newLossyFiles(-1)
	s, err := open(Config{Dir: t.TempDir()}, store.Manifest{}, Deps{}, fs)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := writeOperation(s, store.Manifest{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"sync events-1.parquet.tmp", "rename events-1.parquet.tmp events-1.parquet",
		"sync sessions-2.parquet.tmp", "rename sessions-2.parquet.tmp sessions-2.parquet",
		"sync aliases-3.parquet.tmp", "rename aliases-3.parquet.tmp aliases-3.parquet",
		"sync-dir ",
	}
	if diff := cmp.Diff(want, fs.trace); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}
