// Logs of format version 1: testdata/v1 was written by the last program that wrote it. They are
// upgraded when they are opened, whenever power fails meanwhile.
package pebblelog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// firstFormat returns a disk with the log of testdata/v1: 40 batches, each with a record in
// partition n mod 4 and one in the next, of which partition 1 has forgotten five.
func firstFormat(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	root := filepath.Join("testdata", "v1")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := fs.PathJoin(testConfig().Dir, filepath.ToSlash(rel))
		if d.IsDir() {
			return fs.MkdirAll(to, 0o750)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return writeSynced(fs, to, b)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", testConfig().Dir, fs.PathJoin(testConfig().Dir, walDirName)} {
		if err := syncDir(fs, dir); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// holdsFirstFormat checks that l has what testdata/v1 has.
func holdsFirstFormat(l *Log) error {
	for p := range event.Partition(testConfig().Partitions) {
		start := event.Offset(0)
		if p == 1 {
			start = 5
		}
		if l.Start(p) != start || l.End(p) < 20 {
			return fmt.Errorf("partition %d is [%d, %d), want [%d, 20)", p, l.Start(p), l.End(p), start)
		}
	}
	next := make([]event.Offset, testConfig().Partitions)
	for i := range 40 {
		for j := range 2 {
			p := event.Partition((i + j) % testConfig().Partitions)
			at := next[p]
			next[p]++
			if at < l.Start(p) {
				continue
			}
			got, err := l.Read(context.Background(), p, at, 1, nil)
			if err != nil {
				return err
			}
			if want := payloadOf(i, p, j, 60); len(got) != 1 || string(got[0].Payload) != string(want) {
				return fmt.Errorf("partition %d offset %d is not record %d of batch %d", p, at, j, i)
			}
		}
	}
	counts, err := l.Counts(context.Background())
	if err != nil {
		return err
	}
	sum := map[eventlog.Count]bool{}
	for _, c := range counts {
		sum[c] = true
	}
	want := eventlog.Count{Property: 1, Day: 20000, Reason: event.RefuseNoName, N: 14}
	if !sum[want] || len(counts) != 9 {
		return fmt.Errorf("counts are %v, want nine with %v", counts, want)
	}
	return nil
}

func TestFirstFormatIsUpgradedAndKeepsEverything(t *testing.T) {
	fs := firstFormat(t)
	for round := range 3 {
		l := mustOpen(t, testConfig(), fs, plantNothing)
		if err := holdsFirstFormat(l); err != nil {
			t.Fatalf("open %d: %v", round, err)
		}
		b := &eventlog.Batch{Records: []eventlog.Record{{Partition: 2, Payload: fmt.Append(nil, round)}}}
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		got, err := l.Read(t.Context(), 2, 19, 1<<20, nil) // over the border of the formats
		if err != nil || len(got) != 2+round || string(got[1+round].Payload) != fmt.Sprint(round) {
			t.Fatalf("open %d: records after 19 are %v, %v", round, got, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFirstFormatSurvivesPowerCutsOfTheUpgrade(t *testing.T) {
	mem := firstFormat(t)
	var cuts []*vfs.MemFS
	fs := crashable{errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{}))
		}
		return nil
	}))}
	l, err := open(testConfig(), Deps{FS: fs}, plantNothing)
	if err != nil {
		t.Fatal(err)
	}
	before := len(cuts)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i, cut := range cuts[:before] {
		l, err := open(testConfig(), Deps{FS: cut}, plantNothing)
		if err != nil {
			t.Fatalf("power cut %d of %d: %v", i, before, err)
		}
		if err := holdsFirstFormat(l); err != nil {
			t.Errorf("power cut %d of %d: %v", i, before, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if before < 5 {
		t.Errorf("%d power cuts, want some within the upgrade", before)
	}
}

func TestFirstFormatIsForgottenOnceItIsTruncated(t *testing.T) {
	l := mustOpen(t, testConfig(), firstFormat(t), plantNothing)
	defer func() { _ = l.Close() }()
	if err := l.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("new")}}}); err != nil {
		t.Fatal(err)
	}
	for p := range event.Partition(testConfig().Partitions) {
		if err := l.Truncate(t.Context(), p, 20); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "chunks of the first format are still there", func() bool {
		it, err := l.db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = it.Close() }()
		return it.SeekGE([]byte{kindChunk1}) && it.Key()[0] != kindChunk1
	})
	got, err := l.Read(t.Context(), 0, 20, 100, nil)
	if err != nil || len(got) != 1 || string(got[0].Payload) != "new" {
		t.Errorf("after the upgrade and truncation: %v, %v", got, err)
	}
}
