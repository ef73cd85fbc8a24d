// Damaged sketch files: no number is made of bytes that are not those that the cell had (T5).
package duckstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// askUsers asks for users over all days, of the cells of a property.
func askUsers(t *testing.T, s *Store) error {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	_, err = sn.Run(context.Background(), &store.Plan{Property: 1, To: cellDays * dayMicros, ZoneName: "UTC", Users: store.SketchedUsers,
		Aggregates: []store.Aggregate{{Op: store.DistinctUsers}}})
	return err
}

// firstSketches returns the first sketch file of a manifest.
func firstSketches(t *testing.T, m store.Manifest) store.Segment {
	t.Helper()
	for _, seg := range m.Segments {
		if seg.Table == store.RollupSketches {
			return seg
		}
	}
	t.Fatal("there is no sketch file")
	return store.Segment{}
}

func isCorrupt(t *testing.T, what string, err error, file string) {
	t.Helper()
	if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(fmt.Sprint(err), file) {
		t.Errorf("%s: got %v, want %v and %s", what, err, store.ErrCorrupt, file)
	}
}

func TestT5_DamagedSketchesFailOpenOrTheQueryThatReadsThem(t *testing.T) {
	dir := t.TempDir()
	s, m := cellStore(t, dir, cellDays)
	if err := askUsers(t, s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	seg := firstSketches(t, m)
	path := filepath.Join(dir, seg.File)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, path)
	_, err = Open(Config{Dir: dir}, m, Deps{})
	isCorrupt(t, "flipped before opening", err, seg.File)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}, m, Deps{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), seg.File) {
		t.Errorf("missing: got %v", err)
	}
	// From here on it is damaged after it was verified: each cell is checked again.
	for what, b := range map[string][]byte{
		"flipped":        flipped(whole),
		"cut":            whole[:sketchHeader+1],
		"header":         append([]byte("x"), whole[1:]...),
		"later version":  later(whole),
		"shifted by one": append(whole[:sketchHeader:sketchHeader], append([]byte{1}, whole[sketchHeader:]...)...),
	} {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openTest(t, dir, m)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		isCorrupt(t, what, askUsers(t, s), seg.File)
		if _, err := s.Compact(context.Background(), m); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: merged: %v, want %v", what, err, store.ErrCorrupt)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func flipped(b []byte) []byte {
	b = append([]byte(nil), b...)
	for i := sketchHeader; i < len(b); i += 20 { // whatever cell is read
		b[i] ^= 1
	}
	return b
}

func later(b []byte) []byte {
	b = append([]byte(nil), b...)
	binary.LittleEndian.PutUint16(b[len(sketchMagic):], formatVersion+1)
	return b
}

// sketchesOnDisk writes a file of some sketches and returns where they are.
func sketchesOnDisk(t testing.TB, dir string, n int) (name string, places []cellPlace, want [][]byte) {
	t.Helper()
	w, err := createSketches(filepath.Join(dir, "rollups-1"+sketchSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		var u sketch.Users
		for id := range 20 + 37*i {
			u.Add(uint64(id))
		}
		b := u.AppendBinary(nil)
		p, err := w.add(b, len(b)/2)
		if err != nil {
			t.Fatal(err)
		}
		places, want = append(places, p), append(want, b)
	}
	if err := errors.Join(w.flush(), w.f.Close()); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(w.f.Name()), places, want
}

func TestSketchesAreReadInAnyOrder(t *testing.T) {
	dir := t.TempDir()
	name, places, want := sketchesOnDisk(t, dir, 300)
	r, err := openSketches(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.f.Close()
	for step := range 7 {
		for i := range places {
			k := i * (step + 1) * 101 % len(places)
			b, err := r.read(places[k])
			if err != nil || string(b) != string(want[k]) {
				t.Fatalf("sketch %d after step %d: %v, %d bytes, want %d", k, step, err, len(b), len(want[k]))
			}
		}
	}
	if err := r.fill(places[299].at, places[299].len()+1); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("read past the end: %v, want %v", err, store.ErrCorrupt)
	}
}

// FuzzReadPlace: whatever a row says, what is read has the checksum that the row has.
func FuzzReadPlace(f *testing.F) {
	dir := f.TempDir()
	name, places, _ := sketchesOnDisk(f, dir, 60)
	for _, p := range []cellPlace{places[0], places[59], {}, {at: 1 << 63, active: 1}, {at: 16, active: 1 << 31, passive: 1 << 31}} {
		f.Add(p.at, p.active, p.passive, p.sum)
	}
	f.Fuzz(func(t *testing.T, at uint64, active, passive, sum uint32) {
		r, err := openSketches(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		defer r.f.Close()
		p := cellPlace{at: at, active: active, passive: passive, sum: sum}
		b, err := r.read(p)
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("%+v: %v", p, err)
			}
			return
		}
		if len(b) != p.len() || sumOf(b) != sum {
			t.Fatalf("%+v: %d bytes of sum %x", p, len(b), sumOf(b))
		}
	})
}
