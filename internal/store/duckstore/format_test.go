// Rows of older formats: they can be made final and merged, and a replay is told that
// they do not hold what it needs. Cells of older formats are read, and written again in that of today.
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

func TestCellsThatHoldTheirSketchesAreReadAndWrittenAgain(t *testing.T) {
	ctx := context.Background()
	const golden = goldenKept + "2"
	remake := func(s *Store, m store.Manifest) (*store.Change, error) {
		return s.RollUp(ctx, m, []store.RollupSpan{{Property: 1, From: dayMicros, To: 2 * dayMicros}})
	}
	drop := func(s *Store, m store.Manifest) (*store.Change, error) {
		return s.DropRows(ctx, m, []store.RollupSpan{{Property: 1, To: 2 * dayMicros}})
	}
	for name, c := range map[string]struct {
		do   func(s *Store, m store.Manifest) (*store.Change, error)
		held int // segments that hold their sketches then
	}{
		"upkeep":    {func(s *Store, m store.Manifest) (*store.Change, error) { return s.Compact(ctx, m) }, 0},
		"made anew": {remake, 1},
		"dropped":   {drop, 1},
	} {
		s, m := openGolden(t, golden)
		change, err := c.do(s, m)
		if name == "dropped" {
			m.WithoutRows(1, 2*dayMicros, "UTC")
		}
		m = changed(t, s, m, change, err)
		if got, want := keptText(t, s), goldenAnswer(t, golden); got != want {
			t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
		}
		held := 0
		for _, seg := range m.Segments {
			if seg.Table.OfCells() && holdsSketches(seg) {
				held++
			}
		}
		if held != c.held {
			t.Errorf("%s: %d segments hold their sketches, want %d", name, held, c.held)
		}
		if change, err = s.Compact(ctx, m); (change == nil) != (held == 0) || err != nil {
			t.Errorf("%s: then upkeep changes %v, %v", name, change, err)
		}
	}
}
