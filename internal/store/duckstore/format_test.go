// Rows of older formats: they can be made final and merged, and a replay is told that
// they do not hold what it needs.
package duckstore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestRowsOfFormat1BecomeFinalAndAreNotReplayed(t *testing.T) {
	s, m := openGolden(t, filepath.Join(goldenDir, "v1"))
	before := goldenText(t, s)
	until := map[event.PropertyID]event.Time{1: 2 * dayMicros}
	change, err := s.Finalize(context.Background(), m, until)
	if err != nil {
		t.Fatal(err)
	}
	m.Segments = append(m.Segments, change.Added...)
	m.FinalUntil = until
	if err := s.Install(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if after := goldenText(t, s); after != before {
		t.Errorf("answers from final rows:\n%s\nfrom young ones:\n%s", after, before)
	}
	a, err := s.Archive(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	for day := range event.Time(2) { // written by format 1, and made of it
		r := store.ArchiveRange{SessionsFrom: -dayMicros, Windows: []event.Time{day * dayMicros, (day + 1) * dayMicros}}
		err := a.Events(context.Background(), r, func(int, *store.ArchivedEvent) error { return nil })
		if !errors.Is(err, store.ErrNotArchived) {
			t.Errorf("events of day %d: got %v, want ErrNotArchived", day, err)
		}
	}
}
