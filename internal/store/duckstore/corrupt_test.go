// Damage: bytes that are not those written are noticed, never answered from.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// damagedStore writes a small and a large segment of events and returns where.
func damagedStore(t *testing.T) (dir string, m store.Manifest) {
	t.Helper()
	dir = t.TempDir()
	s := openTest(t, dir, store.Manifest{})
	r := rand.New(rand.NewPCG(1, 2))
	large := &store.Batch{}
	for i := range 20_000 {
		large.Events = append(large.Events, store.EventRow{Property: 1, Row: event.RowID(i),
			Path: fmt.Sprintf("%x%x%x%x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()), Title: fmt.Sprintf("%x%x%x%x%x%x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())})
	}
	m.Segments = append(m.Segments, checkpoint(t, s, m, large)...)
	m.Segments = append(m.Segments, checkpoint(t, s, m, &store.Batch{Events: []store.EventRow{{Property: 2}}})...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if m.Segments[0].Bytes <= smallSegment || m.Segments[1].Bytes > smallSegment {
		t.Fatalf("sizes: %d and %d", m.Segments[0].Bytes, m.Segments[1].Bytes)
	}
	return dir, m
}

func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestT5_FlippedBitInSmallSegmentFailsOpen(t *testing.T) {
	dir, m := damagedStore(t)
	flip(t, filepath.Join(dir, m.Segments[1].File))
	if _, err := Open(Config{Dir: dir}, m, Deps{}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v, want %v", err, store.ErrCorrupt)
	}
}

func TestT5_FlippedBitInLargeSegmentFailsQueriesThatReadIt(t *testing.T) {
	dir, m := damagedStore(t)
	flip(t, filepath.Join(dir, m.Segments[0].File))
	s := openTest(t, dir, m)
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	for p, want := range map[event.PropertyID]error{1: store.ErrCorrupt, 2: nil} {
		_, err := sn.Run(context.Background(), &store.Plan{Property: p, To: 1, Aggregates: []store.Aggregate{{}}})
		if !errors.Is(err, want) {
			t.Errorf("property %d: got %v, want %v", p, err, want)
		}
	}
	if _, err := s.OpenSessions(context.Background(), m, 0); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("open sessions: got %v, want %v", err, store.ErrCorrupt)
	}
}

func TestT5_ShortOrMissingSegmentFailsOpenAndIsNamed(t *testing.T) {
	dir, m := damagedStore(t)
	path := filepath.Join(dir, m.Segments[0].File)
	if err := os.Truncate(path, m.Segments[0].Bytes-1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}, m, Deps{}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("short: got %v, want %v", err, store.ErrCorrupt)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Config{Dir: dir}, m, Deps{})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), m.Segments[0].File) {
		t.Errorf("missing: got %v", err)
	}
}
