// Damage: bytes that changed on disk are found, and a torn tail is not damage.
package pebblelog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// crashed returns a file system with a log of n commits that was not closed,
// and what was sent to it.
func crashed(t *testing.T, n int) (*vfs.MemFS, *history) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	l := mustOpen(t, testConfig(), fs, plantNothing)
	h := newHistory(testConfig().Partitions)
	for range n {
		h.send(t.Context(), l, 200)
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return clone, h
}

// walBytes returns the bytes of the only WAL, to be changed in place.
func walBytes(t *testing.T, fs *vfs.MemFS) []byte {
	t.Helper()
	dir := fs.PathJoin(testConfig().Dir, walDirName)
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			b, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatal("no WAL")
	return nil
}

// TestFlippedByteInWALIsNeverSilent flips bytes all over the WAL of a log that
// crashed. Either Open refuses (L7), or only the last commits are missing, for
// which nothing vouches.
func TestFlippedByteInWALIsNeverSilent(t *testing.T) {
	const commits, lastMayGo = 60, 2
	clean, h := crashed(t, commits)
	size := len(walBytes(t, clean))
	refused := 0
	for at := 0; at < size; at += 211 {
		fs := clean.CrashClone(vfs.CrashCloneCfg{})
		walBytes(t, fs)[at] ^= 0x40
		l, err := open(testConfig(), Deps{FS: fs}, plantNothing)
		if err != nil {
			if !errors.Is(err, eventlog.ErrCorrupt) {
				t.Fatalf("byte %d of %d: %v", at, size, err)
			}
			refused++
			// Refusing must not destroy what is left.
			if _, err := open(testConfig(), Deps{FS: fs}, plantNothing); !errors.Is(err, eventlog.ErrCorrupt) {
				t.Fatalf("byte %d of %d: second open: %v", at, size, err)
			}
			continue
		}
		lost := l.durable.Load()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if lost < commits-lastMayGo {
			t.Fatalf("byte %d of %d: opened with %d of %d commits", at, size, lost, commits)
		}
	}
	t.Logf("%d positions refused", refused)
	if refused == 0 {
		t.Fatal("no damage was found")
	}
	if err := recovered(clean, h); err != nil {
		t.Fatalf("undamaged: %v", err)
	}
}

// TestTornTailOfWALIsNotDamage cuts the WAL behind the last acknowledged commit.
func TestTornTailOfWALIsNotDamage(t *testing.T) {
	clean, h := crashed(t, 20)
	b := walBytes(t, clean)
	end := len(b)
	for end > 0 && b[end-1] == 0 {
		end--
	}
	// What was being written when the power went: half a chunk of noise.
	dir := clean.PathJoin(testConfig().Dir, walDirName)
	names, _ := clean.List(dir)
	f, err := clean.OpenReadWrite(clean.PathJoin(dir, names[0]), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(payloadOf(1, 1, 1, 5000), int64(end)); err != nil {
		t.Fatal(err)
	}
	if err := recovered(clean, h); err != nil {
		t.Fatal(err)
	}
}

// TestShorterLogThanAtCloseIsRefused puts an old database next to a newer file
// of durable ends.
func TestShorterLogThanAtCloseIsRefused(t *testing.T) {
	fs, h := crashed(t, 5)
	old := fs.CrashClone(vfs.CrashCloneCfg{})
	l := mustOpen(t, testConfig(), fs, plantNothing)
	h.send(t.Context(), l, 10)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := fs.PathJoin(testConfig().Dir, highWaterName)
	b, err := l.readFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeSynced(old, name, b); err != nil {
		t.Fatal(err)
	}
	if _, err := open(testConfig(), Deps{FS: old}, plantNothing); !errors.Is(err, eventlog.ErrCorrupt) {
		t.Fatalf("open: got error %v, want %v", err, eventlog.ErrCorrupt)
	}
}

// TestFlippedBitInChunkIsFound flips each bit of a small chunk (P4).
func TestFlippedBitInChunkIsFound(t *testing.T) {
	payloads := [][]byte{[]byte("one"), {}, []byte("three")}
	clean := make([]byte, chunkLen(3, 8))
	putChunk(clean, 2, 7, 9, payloads)
	if _, err := parseChunk(2, 7, clean); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(clean) {
		b := append([]byte(nil), clean...)
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := parseChunk(2, 7, b); !errors.Is(err, eventlog.ErrCorrupt) {
			t.Fatalf("bit %d: got error %v", bit, err)
		}
	}
	for _, place := range []struct {
		p    event.Partition
		base event.Offset
	}{{3, 7}, {2, 8}} {
		if _, err := parseChunk(place.p, place.base, clean); !errors.Is(err, eventlog.ErrCorrupt) {
			t.Fatalf("at another place %v: got error %v", place, err)
		}
	}
}

func TestOtherNumberOfPartitionsIsRefused(t *testing.T) {
	fs, _ := crashed(t, 1)
	cfg := testConfig()
	cfg.Partitions++
	_, err := open(cfg, Deps{FS: fs}, plantNothing)
	want := fmt.Sprintf("log has %d partitions, configuration says %d", cfg.Partitions-1, cfg.Partitions)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want one that says %q", err, want)
	}
}

// FuzzChunk: parsing never panics and never reaches beyond the value, and what
// it takes is what putChunk writes. The checksum is made right, or nearly no
// input would get past it.
func FuzzChunk(f *testing.F) {
	for _, payloads := range [][][]byte{{[]byte("ab"), []byte("cde")}, {{}}, {{}, []byte("f"), {}}} {
		size := 0
		for _, payload := range payloads {
			size += len(payload)
		}
		b := make([]byte, chunkLen(len(payloads), size))
		putChunk(b, 0, 0, 1, payloads)
		f.Add(b[:len(b)-chunkSumLen])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		value := binary.LittleEndian.AppendUint64(bytes.Clone(body), chunkSum(0, 0, body))
		c, err := parseChunk(0, 0, value)
		if err != nil {
			if !errors.Is(err, eventlog.ErrCorrupt) {
				t.Fatalf("got error %v, want ErrCorrupt", err)
			}
			return
		}
		got, used, _ := c.appendEntries(nil, c.base, c.endOffset(), 1<<30, true)
		if len(got) != c.count || used != len(c.data) {
			t.Fatalf("%d entries of %d, %d bytes of %d", len(got), c.count, used, len(c.data))
		}
		payloads := make([][]byte, len(got))
		for i := range got {
			payloads[i] = got[i].Payload
		}
		again := make([]byte, chunkLen(len(payloads), used))
		putChunk(again, 0, 0, c.commit, payloads)
		copy(again[1:4], value[1:4]) // Unused.
		if body := again[:len(again)-chunkSumLen]; !bytes.Equal(body, value[:len(body)]) {
			t.Fatalf("%x was taken, written it is %x", value, again)
		}
	})
}
