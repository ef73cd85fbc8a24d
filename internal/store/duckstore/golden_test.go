// Golden segments: files that this format version wrote once must be read by
// every later build. After a change of formatVersion, run this test once with
// -rewrite-golden, which writes the current version only.
package duckstore

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden segments of the current format version")

const (
	goldenDir      = "testdata/golden"
	goldenManifest = "manifest.json"
	goldenAnswers  = "answers.txt"
)

func TestSegmentsOfEveryFormatVersionAreRead(t *testing.T) {
	current := filepath.Join(goldenDir, fmt.Sprintf("v%d", formatVersion))
	if *rewriteGolden {
		writeGolden(t, current)
	}
	if _, err := os.Stat(current); err != nil {
		t.Fatalf("format version %d has no golden segments: %v", formatVersion, err)
	}
	versions, err := filepath.Glob(filepath.Join(goldenDir, "v*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, golden := range versions {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			s, _ := openGolden(t, golden)
			if got, want := goldenText(t, s), goldenAnswer(t, golden); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// openGolden opens a store on a copy of a directory of golden segments.
func openGolden(t *testing.T, golden string) (*Store, store.Manifest) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(golden, goldenManifest))
	if err != nil {
		t.Fatal(err)
	}
	var m store.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return openTest(t, dir, m), m
}

// goldenAnswer is what the segments of a directory must answer.
func goldenAnswer(t *testing.T, golden string) string {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(golden, goldenAnswers))
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

// goldenPlans read columns of every kind, from young and final rows.
func goldenPlans() map[string]*store.Plan {
	columns := func(cs ...store.Column) []store.Dimension {
		var out []store.Dimension
		for _, c := range cs {
			out = append(out, store.Dimension{Column: c})
		}
		return out
	}
	aggregates := []store.Aggregate{{Op: store.Count}, {Op: store.Sum, Column: store.ColDurationMicros},
		{Op: store.Sum, Column: store.ColSessionRevenue}, {Op: store.Count, Where: store.ColEngaged}}
	plans := map[string]*store.Plan{
		"events": {Dimensions: append(columns(store.ColName, store.ColPath, store.ColCurrency, store.ColCountry,
			store.ColSource, store.ColUserID), store.Dimension{Column: store.ColParam, Param: "p"}, store.Dimension{Column: store.ColTime, Bucket: store.DateMinute}),
			Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers, Where: store.ColActive},
				{Op: store.Sum, Column: store.ColValueMicros}, {Op: store.Count, Where: store.ColFirstEvent}}},
		"sessions": {Relation: store.Sessions, Aggregates: aggregates,
			Dimensions: columns(store.ColChannel, store.ColLandingPath, store.ColFirstUserSource, store.ColNewVsReturning)},
		"event sessions": {Relation: store.EventSessions, Aggregates: aggregates, Dimensions: columns(store.ColPath)},
	}
	for _, p := range plans {
		p.Property, p.To, p.ObservedUsers = 1, 3*dayMicros, true
	}
	return plans
}

// goldenText answers the golden plans.
func goldenText(t *testing.T, s *Store) string {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	var out []string
	for name, p := range goldenPlans() {
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

// goldenBatch is a session that was merged of two, on the given day.
func goldenBatch(day int) *store.Batch {
	id, at := event.RowID(day*10+1), event.Time(day)*dayMicros+event.Time(hourMicros)
	e := store.EventRow{Property: 1, Row: id, Part: id, Client: 5, EventTime: at, IngestTime: at, Key: "k", Name: "page_view",
		Path: "/a/path/that/is/not/inline", Country: "DE", Active: true, PageView: true, Currency: store.NotSet, Params: `{"p":"v"}`}
	late := e
	late.Row, late.Part, late.EventTime = id+1, id+1, at+minuteMicros
	late.Name, late.Currency, late.ValueMicros, late.Params = "purchase", "EUR", 12_340_000, `{"p":1.5}`
	return &store.Batch{Events: []store.EventRow{e, late},
		Sessions: []store.SessionRow{
			{Property: 1, Session: id, Revision: 2, Counted: true, Client: 5, ClientID: "c.5", UserID: "u", Start: at, End: late.EventTime,
				Closes: late.EventTime + 30*minuteMicros, LandingPath: "/landing", Source: "google", Channel: "Organic Search",
				FirstUserSource: "mail", NewVsReturning: "new", FirstEvent: id, HasFirst: day == 0, Events: 2, Views: 1,
				RevenueMicros: 12_340_000, Engaged: true},
			{Property: 1, Session: id + 1, Revision: 2, Tombstone: true}},
		Aliases: []store.AliasRow{{Property: 1, Part: id + 1, Session: id, Revision: 2, Time: late.EventTime}}}
}

// writeGolden writes two days, of which the first is final.
func writeGolden(t *testing.T, to string) {
	t.Helper()
	dir := t.TempDir()
	s := openTest(t, dir, store.Manifest{})
	m := appendSegments(t, s, store.Manifest{}, goldenBatch(0))
	m = appendSegments(t, s, m, goldenBatch(1))
	until := map[event.PropertyID]event.Time{1: dayMicros}
	change, err := s.Finalize(context.Background(), m, until)
	if err != nil {
		t.Fatal(err)
	}
	m.Segments = change.Apply(m.Segments)
	m.FinalUntil = until
	if err := s.Install(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	saveGolden(t, to, dir, m, goldenText(t, s))
}

// saveGolden copies the segments of m and what they answer into a directory.
func saveGolden(t *testing.T, to, dir string, m store.Manifest, answers string) {
	t.Helper()
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{goldenManifest: append(text, '\n'), goldenAnswers: []byte(answers)}
	for _, seg := range m.Segments {
		if files[seg.File], err = os.ReadFile(filepath.Join(dir, seg.File)); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
