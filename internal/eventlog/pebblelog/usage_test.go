// The bounds on disk space: kept, but not by what lets the log be emptied.
package pebblelog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// disk is a file system with as much free space as the test says.
type disk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load()}, nil
}

// files returns the bytes of all files of the log.
func files(t *testing.T, fs vfs.FS, dir string) int64 {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			continue // Deleted since.
		}
		if info.IsDir() {
			sum += files(t, fs, fs.PathJoin(dir, name))
		} else {
			sum += info.Size()
		}
	}
	return sum
}

func appendNoise(t *testing.T, l *Log, noise *rand.ChaCha8, essential bool) error {
	t.Helper()
	payload := make([]byte, 20_000)
	_, _ = noise.Read(payload)
	return l.Append(t.Context(), &eventlog.Batch{
		Records: []eventlog.Record{
			{Partition: 0, Payload: payload[:5_000]}, {Partition: 1, Payload: payload[5_000:]},
		},
		Essential: essential,
	})
}

// TestLogStaysBelowMaxBytes fills logs of the default configuration, from
// several goroutines, and looks at the files.
func TestLogStaysBelowMaxBytes(t *testing.T) {
	for _, bound := range []int64{2 << 20, 8 << 20, 40 << 20} {
		cfg := DefaultConfig()
		cfg.Dir, cfg.MaxBytes, cfg.Partitions = "log", bound, testConfig().Partitions
		fs := vfs.NewMem()
		l := mustOpen(t, cfg, fs, plantNothing)
		var wg sync.WaitGroup
		for seed := range byte(8) {
			wg.Go(func() {
				noise := rand.NewChaCha8([32]byte{seed})
				for {
					if err := appendNoise(t, l, noise, false); err != nil {
						if !errors.Is(err, eventlog.ErrFull) {
							t.Errorf("append: %v", err)
						}
						return
					}
				}
			})
		}
		wg.Wait()
		// A compaction under way keeps what it reads and what it writes.
		await(t, fmt.Sprintf("max_bytes is %d, the files have more", bound), func() bool {
			return files(t, fs, cfg.Dir) <= bound/8*9
		})
		if taken := int64(l.End(1)) * 20_000; taken < bound/2 {
			t.Errorf("max_bytes is %d, the log was full with %d", bound, taken)
		}
		if used, limit := l.Usage(); limit != bound || used < bound/2 {
			t.Errorf("usage is %d of %d, want nearly %d", used, limit, bound)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTruncatedSpaceIsGivenBackAfterReopen: who truncated may be gone.
func TestTruncatedSpaceIsGivenBackAfterReopen(t *testing.T) {
	cfg := testConfig()
	cfg.MaxBytes = 4 << 20
	fs := vfs.NewMem()
	l := mustOpen(t, cfg, fs, plantNothing)
	l.reclaimer.cancel()
	noise := rand.NewChaCha8([32]byte{})
	took := 0
	for appendNoise(t, l, noise, false) == nil {
		took++
	}
	for p := range event.Partition(cfg.Partitions) {
		if err := l.Truncate(t.Context(), p, l.End(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, cfg, fs, plantNothing)
	defer func() { _ = l.Close() }()
	again := 0
	await(t, "the log keeps what it was told to forget", func() bool {
		if appendNoise(t, l, noise, false) == nil {
			again++
		}
		return again > took/2
	})
}

// TestEssentialBatchesLeaveAReserveOnTheDisk: they may go below min_free_bytes,
// but a disk that is really full would fail the log.
func TestEssentialBatchesLeaveAReserveOnTheDisk(t *testing.T) {
	cfg := testConfig()
	cfg.MinFreeBytes = 400 << 20
	fs := &disk{FS: vfs.NewMem()}
	fs.free.Store(1 << 40)
	l := mustOpen(t, cfg, fs, plantNothing)
	defer func() { _ = l.Close() }()
	noise := rand.NewChaCha8([32]byte{})
	for _, c := range []struct {
		free              uint64
		others, essential bool
	}{
		{500 << 20, true, true},
		{300 << 20, false, true},
		{65 << 20, false, true},
		{63 << 20, false, false},
		{0, false, false},
		{500 << 20, true, true},
	} {
		fs.free.Store(c.free)
		await(t, "the disk was never asked", func() bool {
			_, _ = l.Usage()
			return l.usage.free.Load() == int64(c.free)
		})
		for essential, taken := range map[bool]bool{false: c.others, true: c.essential} {
			err := appendNoise(t, l, noise, essential)
			if taken != (err == nil) || err != nil && !errors.Is(err, eventlog.ErrFull) {
				t.Errorf("free %d, essential %v: got error %v, want taken %v", c.free, essential, err, taken)
			}
		}
	}
}

// TestEssentialBatchesAreBoundedLikeOthers otherwise: by queue and size.
func TestEssentialBatchesAreBoundedLikeOthers(t *testing.T) {
	cfg := testConfig()
	cfg.MaxAppendBytes = 1000
	l := mustOpen(t, cfg, vfs.NewMem(), plantNothing)
	defer func() { _ = l.Close() }()
	err := l.Append(t.Context(), &eventlog.Batch{
		Records:   []eventlog.Record{{Partition: event.Partition(0), Payload: make([]byte, 2000)}},
		Essential: true,
	})
	if err == nil || !strings.Contains(err.Error(), "at most 1000") {
		t.Errorf("got error %v, want one about the size", err)
	}
}

// await fails the test if ready does not come true.
func await(t testing.TB, problem string, ready func() bool) {
	t.Helper()
	deadline, again := time.NewTimer(30*time.Second), time.NewTicker(time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for !ready() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatal(problem)
		}
	}
}
