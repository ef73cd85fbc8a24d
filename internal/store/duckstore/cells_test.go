// Cells with their sketches: whatever writes them again keeps what they say, whichever format they
// were of, and their files come and go together.
package duckstore

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// cellDays is how many days a crowd has, each with a segment of cells of its own: enough to compact.
const cellDays = fanIn

// crowd is a day of two properties, on which clients, many of them known from other days, see two pages.
func crowd(day int) *store.Batch {
	r := rand.New(rand.NewPCG(uint64(day), 9))
	b := &store.Batch{}
	for i := range 4_000 {
		id, at := event.RowID(day*10_000+i+1), event.Time(day)*dayMicros+event.Time(i)
		e := store.EventRow{Property: event.PropertyID(1 + i%2), Row: id, Part: id, Client: event.RowID(1 + r.IntN(9_000)), EventTime: at,
			IngestTime: at, Name: "page_view", Path: fmt.Sprint("/", i%7/5), Active: i%5 > 0, PageView: true, Currency: store.NotSet}
		b.Events = append(b.Events, e)
		b.Sessions = append(b.Sessions, store.SessionRow{Property: e.Property, Session: id, Revision: 1, Counted: true, Client: e.Client,
			ClientID: fmt.Sprint("c", e.Client), Start: at, End: at, Events: 1, Views: 1})
	}
	return b
}

// changed installs a change.
func changed(t testing.TB, s *Store, m store.Manifest, c *store.Change, err error) store.Manifest {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m = apply(m, c)
	if err := s.Install(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// cellStore is a store of a crowd's days, with cells of the first ones.
func cellStore(t testing.TB, dir string, days int) (*Store, store.Manifest) {
	t.Helper()
	s, m := openTest(t, dir, store.Manifest{}), store.Manifest{}
	for day := range cellDays {
		m = appendSegments(t, s, m, crowd(day))
	}
	until := map[event.PropertyID]event.Time{1: cellDays * dayMicros, 2: cellDays * dayMicros}
	c, err := s.Finalize(context.Background(), m, until)
	m.FinalUntil = until
	m = changed(t, s, m, c, err)
	for day := range days {
		m = rollDay(t, s, m, day)
	}
	return s, m
}

// rollDay makes the cells of a day.
func rollDay(t testing.TB, s *Store, m store.Manifest, day int) store.Manifest {
	t.Helper()
	from, to := event.Time(day)*dayMicros, event.Time(day+1)*dayMicros
	c, err := s.RollUp(context.Background(), m, []store.RollupSpan{{Property: 1, From: from, To: to}, {Property: 2, From: from, To: to}})
	m.Rollups = map[event.PropertyID][]store.RollupRange{}
	for p := event.PropertyID(1); p <= 2; p++ {
		m.Rollups[p] = []store.RollupRange{{From: math.MinInt64, To: to, Zone: "UTC"}}
	}
	return changed(t, s, m, c, err)
}

// cellText asks for users over all days, which cells tell, in total, by page and by day.
func cellText(t testing.TB, s *Store) string {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	return cellTextOf(t, sn)
}

func cellTextOf(t testing.TB, sn store.Snapshot) string {
	t.Helper()
	var out []string
	for p := event.PropertyID(1); p <= 2; p++ {
		for _, dims := range [][]store.Dimension{nil, {{Column: store.ColPath}}, {{Column: store.ColTime, Bucket: store.Date}}} {
			rows, err := sn.Run(context.Background(), &store.Plan{Property: p, To: cellDays * dayMicros, ZoneName: "UTC", Users: store.SketchedUsers, Dimensions: dims,
				Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}, {Op: store.DistinctUsers, Where: store.ColActive}}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows.Dimensions {
				out = append(out, fmt.Sprintf("%d %q %v\n", p, rows.Dimensions[i], rows.Aggregates[i]))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// cellFiles counts segments of cells, and of sketches.
func cellFiles(m store.Manifest) (cells, sketches int) {
	for _, seg := range m.Segments {
		switch seg.Table {
		case store.RollupCells, store.KeptCells:
			cells++
		case store.RollupSketches, store.KeptSketches:
			sketches++
		}
	}
	return cells, sketches
}

func TestCellsSayTheSameWhateverWritesThemAgain(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, m := cellStore(t, dir, cellDays)
	want := cellText(t, s)
	check := func(what string, cells, sketches int) {
		t.Helper()
		if diff := cmp.Diff(want, cellText(t, s)); diff != "" {
			t.Errorf("%s: answers (-before +after):\n%s", what, diff)
		}
		if c, k := cellFiles(m); c != cells || k != sketches {
			t.Errorf("%s: %d segments of cells and %d of sketches, want %d and %d", what, c, k, cells, sketches)
		}
	}
	check("made", cellDays, cellDays)
	isAboutTrue(t, s)
	before := cellAt(t, s, m, "rollup = 24 AND d0 = '/0' AND property = 2")
	c, err := s.Compact(ctx, m)
	m = changed(t, s, m, c, err)
	check("merged", 1, 1)
	after := cellAt(t, s, m, "rollup = 24 AND d0 = '/0' AND property = 2")
	if len(before) != cellDays || len(after) != cellDays {
		t.Fatalf("cells of a page: %d and %d, want %d", len(before), len(after), cellDays)
	}
	for i := range after[1:] {
		if after[i+1].at != after[i].end() {
			t.Errorf("sketches of a page's next day are at %d, want them at %d, where those of the day before end", after[i+1].at, after[i].end())
		}
	}
	m = rollDay(t, s, m, cellDays-1) // in place of the cells that are there
	check("one day made again", 2, 2)
	c, err = s.DropRows(ctx, m, []store.RollupSpan{{Property: 1, To: 3 * dayMicros}})
	m.WithoutRows(1, 3*dayMicros, "UTC")
	m = changed(t, s, m, c, err)
	check("rows of days dropped", 3, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, m)
	check("opened again", 3, 3)
	unnamed(t, dir, m)
	if left, err := os.ReadDir(filepath.Join(dir, tempName)); err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), sketchSuffix)
	}) {
		t.Errorf("scratch files are left: %v, %v", left, err)
	}
}

// isAboutTrue compares the users of all days with those that the crowd had.
func isAboutTrue(t *testing.T, s *Store) {
	t.Helper()
	var seen [2]map[event.RowID]bool
	seen[0], seen[1] = map[event.RowID]bool{}, map[event.RowID]bool{}
	for day := range cellDays {
		for _, e := range crowd(day).Events {
			if e.Property == 1 {
				seen[0][e.Client] = true
				seen[1][e.Client] = seen[1][e.Client] || e.Active
			}
		}
	}
	maps.DeleteFunc(seen[1], func(_ event.RowID, active bool) bool { return !active })
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	rows, err := sn.Run(context.Background(), &store.Plan{Property: 1, To: cellDays * dayMicros, ZoneName: "UTC", Users: store.SketchedUsers,
		Aggregates: []store.Aggregate{{Op: store.DistinctUsers}, {Op: store.DistinctUsers, Where: store.ColActive}}})
	if err != nil {
		t.Fatal(err)
	}
	for of, users := range seen {
		got, want := float64(rows.Aggregates[0][of]), float64(len(users))
		if math.Abs(got-want) > 2*sketch.UsersError*want {
			t.Errorf("%v users of kind %d, want about %v", got, of, want)
		}
	}
}

// cellAt returns the places of cells in the order of time.
func cellAt(t *testing.T, s *Store, m store.Manifest, where string) (out []cellPlace) {
	t.Helper()
	var cells []store.Segment
	for _, seg := range m.Segments {
		if seg.Table == store.RollupCells {
			cells = append(cells, seg)
		}
	}
	q := "SELECT " + placeList() + " FROM " + readParquet(s.paths(cells)) + " WHERE " + where + " ORDER BY start_time"
	err := s.reader.run(context.Background(), q, func(r *result) error {
		for i := range r.rows {
			p, _ := placeAt(r, 0, i)
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSketchesOfErasedClientsGoS30(t *testing.T) {
	ctx := context.Background()
	s, m := cellStore(t, t.TempDir(), cellDays)
	c, err := s.Compact(ctx, m)
	m = changed(t, s, m, c, err)
	// The first two who were not active on the first day.
	anna, berta := crowd(0).Events[0].Client, crowd(0).Events[5].Client
	if n := sketchesHolding(t, s, anna); n != 1 {
		t.Fatalf("%d files hold the client in a list of some hundreds, want 1", n)
	}
	erased, err := s.Erase(ctx, m, []store.Erasure{{Property: 1, ClientID: fmt.Sprint("c", anna), Before: 1 << 40}, {Property: 2, ClientID: fmt.Sprint("c", anna), Before: 1 << 40}})
	if err != nil || erased == nil {
		t.Fatalf("erase: %v, %v", erased, err)
	}
	m = changed(t, s, m, &erased.Change, nil)
	for day := range cellDays {
		m = rollDay(t, s, m, day)
	}
	if n := sketchesHolding(t, s, anna); n != 0 {
		t.Errorf("%d files hold the client", n)
	}
	if n := sketchesHolding(t, s, berta); n == 0 {
		t.Error("no file holds another client: the test proves too little")
	}
}

func TestSnapshotKeepsTheSketchesThatItReadsK3(t *testing.T) {
	dir := t.TempDir()
	s, m := cellStore(t, dir, cellDays)
	want := cellText(t, s)
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s.answers = newAnswers(1) // nothing is remembered
	c, err := s.Compact(context.Background(), m)
	m = changed(t, s, m, c, err)
	if got := cellTextOf(t, sn); got != want {
		t.Errorf("a snapshot of before answers:\n%s\nwant:\n%s", got, want)
	}
	sn.Release()
	unnamed(t, dir, m)
}
