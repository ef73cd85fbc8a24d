// Crashes while cells and their sketches are written: two files that belong together, of which the power
// may leave one.
package duckstore

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/store"
)

func TestT3_T4_CrashWhileCellsAreWrittenLosesNothingCommitted(t *testing.T) {
	base := t.TempDir()
	s, committed := cellStore(t, base, cellDays)
	want := cellText(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]operation{
		"compact": compactOperation,
		"roll up": func(s *Store, m store.Manifest) (store.Manifest, error) {
			c, err := s.RollUp(context.Background(), m, []store.RollupSpan{{Property: 1, From: 0, To: 2 * dayMicros}})
			return apply(m, c), err
		},
		"drop rows": func(s *Store, m store.Manifest) (store.Manifest, error) {
			c, err := s.DropRows(context.Background(), m, []store.RollupSpan{{Property: 1, To: 2 * dayMicros}})
			m = apply(m, c)
			if err == nil {
				m.WithoutRows(1, 2*dayMicros, "UTC")
			}
			return m, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; !crashAt(t, base, committed, n, do, cellText, want, want); n++ {
				if n > 100 {
					t.Fatal("the operation does not end")
				}
			}
		})
	}
}

func TestT3_SketchesAreNamedBeforeTheDirectoryIsSynced(t *testing.T) {
	base := t.TempDir()
	s, m := cellStore(t, base, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fs := newLossyFiles(-1)
	s, err := open(Config{Dir: base}, m, Deps{}, fs)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.RollUp(context.Background(), m, []store.RollupSpan{{Property: 1, From: dayMicros, To: 2 * dayMicros}})
	if err != nil {
		t.Fatal(err)
	}
	cells, sketches := c.Added[0].File, c.Added[1].File
	want := []string{"sync " + sketches + ".tmp", "rename " + sketches + ".tmp " + sketches,
		"sync " + cells + ".tmp", "rename " + cells + ".tmp " + cells, "sync-dir "}
	if diff := cmp.Diff(want, fs.trace); diff != "" || sketches != sketchName(cells) {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}
