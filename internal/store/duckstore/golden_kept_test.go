// Golden cells: the days that they count have no rows from which they could be made
// again, so every later build must read them. -rewrite-golden writes them once.
package duckstore

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// goldenKept begins the name of a version's directory.
const goldenKept = goldenDir + "/kept-v"

func TestKeptCellsOfEveryFormatVersionAreRead(t *testing.T) {
	current := fmt.Sprint(goldenKept, formatVersion)
	if *rewriteGolden {
		writeGoldenKept(t, current)
	}
	versions, err := filepath.Glob(goldenKept + "*")
	if err != nil || !slices.Contains(versions, current) {
		t.Fatalf("format version %d has no golden cells: %v, %v", formatVersion, versions, err)
	}
	for _, golden := range versions {
		s, _ := openGolden(t, golden)
		if got, want := keptText(t, s), goldenAnswer(t, golden); got != want {
			t.Errorf("%s: got:\n%s\nwant:\n%s", golden, got, want)
		}
	}
}

// keptText answers plans over a day without rows and one that has them.
func keptText(t *testing.T, s *Store) string {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	dims := []store.Dimension{{Column: store.ColTime, Bucket: store.DateHour}}
	var out []string
	for name, p := range map[string]*store.Plan{
		"events": {Dimensions: dims, Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.Sum, Column: store.ColValueMicros},
			{Op: store.Count, Where: store.ColFirstEvent}, {Op: store.DistinctUsers, Where: store.ColActive}}},
		"users":    {Aggregates: []store.Aggregate{{Op: store.DistinctUsers}}},
		"sessions": {Relation: store.Sessions, Dimensions: dims, Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.Sum, Column: store.ColDurationMicros}}},
	} {
		p.Property, p.To, p.Users, p.ZoneName = 1, 2*dayMicros, store.SketchedUsers, "UTC"
		rows, err := sn.Run(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range rows.Dimensions {
			out = append(out, fmt.Sprintf("%s: %q %v\n", name, rows.Dimensions[i], rows.Aggregates[i]))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// writeGoldenKept writes two final days with cells; the first has lost its rows.
func writeGoldenKept(t *testing.T, to string) {
	t.Helper()
	dir, ctx := t.TempDir(), context.Background()
	s := openTest(t, dir, store.Manifest{})
	m := appendSegments(t, s, store.Manifest{}, goldenBatch(0))
	m = appendSegments(t, s, m, goldenBatch(1))
	install := func(c *store.Change, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		m.Segments = c.Apply(m.Segments)
		if err := s.Install(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	until := map[event.PropertyID]event.Time{1: 2 * dayMicros}
	c, err := s.Finalize(ctx, m, until)
	m.FinalUntil = until
	install(c, err)
	c, err = s.RollUp(ctx, m, []store.RollupSpan{{Property: 1, From: 0, To: 2 * dayMicros}})
	m.Rollups = map[event.PropertyID][]store.RollupRange{1: {{From: math.MinInt64, To: 2 * dayMicros, Zone: "UTC"}}}
	install(c, err)
	c, err = s.DropRows(ctx, m, []store.RollupSpan{{Property: 1, From: 0, To: dayMicros}})
	m.WithoutRows(1, dayMicros, "UTC")
	install(c, err)
	saveGolden(t, to, dir, m, keptText(t, s))
}
