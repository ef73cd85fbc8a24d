// OpenSessions is asked every few seconds: what cannot have changed is not read again.
package duckstore

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestOpenSessionsReadsTheEventsOfASegmentOnce(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	b := &store.Batch{}
	for i, at := range []event.Time{10, 20, 30, 40} {
		b.Events = append(b.Events, store.EventRow{Property: event.PropertyID(i%2 + 1), Row: event.RowID(i), EventTime: at})
	}
	m := appendSegments(t, s, store.Manifest{}, b)
	ask := func() map[event.PropertyID]store.Open {
		t.Helper()
		open, err := s.OpenSessions(ctx, m, 100)
		if err != nil {
			t.Fatal(err)
		}
		return open
	}
	want := map[event.PropertyID]store.Open{1: {MinTime: 10, MaxTime: 30}, 2: {MinTime: 20, MaxTime: 40}}
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// A day that became final cuts through the segment: it is read once more.
	m.FinalUntil = map[event.PropertyID]event.Time{1: 15}
	want[1] = store.Open{MinTime: 30, MaxTime: 30}
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Fatalf("property 1 final until 15 (-want +got):\n%s", diff)
	}
	for _, seg := range m.Segments {
		if err := os.Remove(filepath.Join(s.cfg.Dir, seg.File)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Errorf("without the file (-want +got):\n%s", diff)
	}
	m.FinalUntil = map[event.PropertyID]event.Time{1: 15, 2: 41}
	delete(want, 2)
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Errorf("property 2 all final (-want +got):\n%s", diff)
	}
}

// appendSegments makes segments of b and installs them behind those of m.
func appendSegments(t testing.TB, s *Store, m store.Manifest, b *store.Batch) store.Manifest {
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
	m.Segments = append(m.Segments, segs...)
	if err := s.Install(ctx, m, h); err != nil {
		t.Fatal(err)
	}
	return m
}
