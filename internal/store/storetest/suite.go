// The suite's tests that scripts cannot say: visibility, pinning, texts.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// visit returns a batch of one client's session of one event, with an alias.
func visit(n int) *store.Batch {
	id, at := event.RowID(n), event.Time(n)*1_000_000
	return &store.Batch{
		Events: []store.EventRow{{Property: 1, Row: id, Part: id, Client: id, EventTime: at,
			Name: "page_view", Path: fmt.Sprintf("/%d", n%7)}},
		Sessions: []store.SessionRow{{Property: 1, Session: id, Revision: 1, Counted: true, Client: id,
			Start: at, End: at, Source: fmt.Sprintf("s%d", n%3), Views: 1}},
		Aliases: []store.AliasRow{{Property: 1, Part: id, Session: id, Revision: 1, Time: at}},
	}
}

// visits is one batch of n visits.
func visits(from, n int) *store.Batch {
	b := &store.Batch{}
	for i := from; i < from+n; i++ {
		v := visit(i)
		b.Events = append(b.Events, v.Events...)
		b.Sessions = append(b.Sessions, v.Sessions...)
		b.Aliases = append(b.Aliases, v.Aliases...)
	}
	return b
}

const forever = event.Time(1) << 60

func countEvents() *store.Plan {
	return &store.Plan{Property: 1, To: forever, Aggregates: []store.Aggregate{{Op: store.Count}}}
}

func countSessions() *store.Plan {
	p := countEvents()
	p.Relation = store.Sessions
	return p
}

// countJoined counts events whose session is known.
func countJoined() *store.Plan {
	p := countEvents()
	p.Filter = &store.Predicate{Leaf: &store.Leaf{Dimension: store.Dimension{Column: store.ColSource},
		Match: store.BeginsWith, Values: []string{"s"}}}
	return p
}

func bySource() *store.Plan {
	p := countEvents()
	p.Dimensions = []store.Dimension{{Column: store.ColSource}, {Column: store.ColPath}}
	p.Aggregates = append(p.Aggregates, store.Aggregate{Op: store.DistinctUsers})
	return p
}

func mustRun(t testing.TB, sn store.Snapshot, p *store.Plan) string {
	t.Helper()
	rows, err := sn.Run(context.Background(), p)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return print(rows, nil)
}

func (w *world) snapshot() store.Snapshot {
	w.t.Helper()
	sn, err := w.store.Snapshot(context.Background())
	if err != nil {
		w.t.Fatalf("snapshot: %v", err)
	}
	return sn
}

// testBatchIsVisibleAsAWhole: while one goroutine appends, any snapshot has as
// many events as sessions, and each event's session is there.
func testBatchIsVisibleAsAWhole(t *testing.T, open Opener) {
	w := newWorld(t, open)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(stop)
		for i := range 60 {
			if err := w.store.Append(context.Background(), visits(i*50, 50)); err != nil {
				t.Errorf("append: %v", err)
				return
			}
		}
	})
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		sn := w.snapshot()
		events, sessions, joined := mustRun(t, sn, countEvents()), mustRun(t, sn, countSessions()),
			mustRun(t, sn, countJoined())
		sn.Release()
		if events != sessions || events != joined {
			t.Fatalf("events %s sessions %s joined %s", events, sessions, joined)
		}
	}
	wg.Wait()
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countEvents()), ": 3000\n"; got != want {
		t.Errorf("events: got %s want %s", got, want)
	}
}

// testSnapshotNeverChanges holds a snapshot over everything that can happen.
func testSnapshotNeverChanges(t *testing.T, open Opener) {
	w := newWorld(t, open)
	for i := range 7 {
		w.append(visits(i*10, 10))
		w.checkpoint()
	}
	w.append(visits(70, 10))
	held := w.snapshot()
	want := mustRun(t, held, bySource())
	manifest := held.Manifest()
	same := func(after string) {
		t.Helper()
		if diff := cmp.Diff(want, mustRun(t, held, bySource())); diff != "" {
			t.Fatalf("snapshot changed after %s (-before +after):\n%s", after, diff)
		}
		if diff := cmp.Diff(manifest, held.Manifest()); diff != "" {
			t.Fatalf("manifest changed after %s:\n%s", after, diff)
		}
	}
	w.append(visits(80, 10))
	same("append")
	w.checkpoint()
	same("checkpoint")
	for w.compact() {
		same("compact")
	}
	w.finalize(map[event.PropertyID]event.Time{1: 1_000_000_000})
	same("finalize")
	held.Release()
	held.Release() // a second time is nothing

	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countJoined()), ": 90\n"; got != want {
		t.Errorf("after all: got %s want %s", got, want)
	}
}

// testSnapshotNeverChangesConcurrently: readers ask each snapshot twice while
// the writer appends, checkpoints and compacts.
func testSnapshotNeverChangesConcurrently(t *testing.T, open Opener) {
	w := newWorld(t, open)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sn, err := w.store.Snapshot(context.Background())
				if err != nil {
					t.Errorf("snapshot: %v", err)
					return
				}
				var answers []string
				for _, p := range []*store.Plan{bySource(), bySource()} {
					rows, err := sn.Run(context.Background(), p)
					if err != nil {
						t.Errorf("run: %v", err)
					}
					answers = append(answers, print(rows, err))
				}
				sn.Release()
				if answers[0] != answers[1] {
					t.Errorf("one snapshot, two answers:\n%s\n%s", answers[0], answers[1])
					return
				}
			}
		})
	}
	for i := range 20 {
		w.append(visits(i*20, 20))
		if i%2 == 1 {
			w.checkpoint()
			w.compact()
		}
	}
	close(stop)
	wg.Wait()
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countJoined()), ": 400\n"; got != want {
		t.Errorf("after all: got %s want %s", got, want)
	}
}

func testSegmentsAreNotReadUntilInstalled(t *testing.T, open Opener) {
	w := newWorld(t, open)
	w.append(visits(0, 10))
	h, err := w.store.Seal(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	segs, err := w.store.WriteSegments(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"before install", "after install"} {
		sn := w.snapshot()
		if got, want := mustRun(t, sn, countEvents()), ": 10\n"; got != want {
			t.Errorf("%s: got %s want %s", when, got, want)
		}
		sn.Release()
		if when == "before install" {
			w.install(store.Manifest{Segments: segs}, h)
		}
	}
	// Reopened with the manifest of before, nothing is there.
	w.manifest = store.Manifest{}
	w.reopen()
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countEvents()), ": 0\n"; got != want {
		t.Errorf("old manifest: got %s want %s", got, want)
	}
}

func testWriteSegmentsAgain(t *testing.T, open Opener) {
	w := newWorld(t, open)
	w.append(visits(0, 10))
	h, err := w.store.Seal(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.WriteSegments(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	segs, err := w.store.WriteSegments(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	w.install(store.Manifest{Segments: segs}, h)
	w.reopen()
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countJoined()), ": 10\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

// hostileTexts try to leave their literal, their pattern or their path.
func hostileTexts() []string {
	return []string{
		`'; DROP TABLE empty_events; --`, `' OR '1'='1`, `\' OR 1=1 --`, `"`, `''`, `\`, `\Q\E'`, `%`, `_`,
		`$1`, `?`, "\x00", "a\x00' OR true --", `$$`, `$."x"`, `/a/b`, `~0`, "\xff\xfe", `{"a":1}`, `\u0027`,
		strings.Repeat("'", 300), "(?i)x", "[", "*/", "/*", "\n--", "Robert'); SELECT 1;",
	}
}

// place is a store of any kind that is given batches and asked.
type place interface {
	append(b *store.Batch)
	checkpoint()
	snapshot() store.Snapshot
}

// upkept is a place whose days become final.
type upkept interface {
	place
	run(p *store.Plan) (*store.Rows, error)
	finalize(until map[event.PropertyID]event.Time)
	rollUp(p event.PropertyID, from, to event.Time, name string, zone store.Zone)
	forget(p event.PropertyID, from, to event.Time)
	dropRows(p event.PropertyID, until event.Time, z localZone) bool
	rowsFrom(p event.PropertyID) (event.Time, bool)
	compact() bool
	reopen()
}

func testHostileTextsAreInert(t *testing.T, open Opener) { hostileTextsAreInert(t, newWorld(t, open)) }

func hostileTextsAreInert(t *testing.T, w place) {
	b := &store.Batch{}
	for i, text := range hostileTexts() {
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(i), Path: text, Name: "plain"})
	}
	w.append(b)
	for _, stage := range []string{"head", "segments"} {
		sn := w.snapshot()
		for _, text := range hostileTexts() {
			clean := strings.ToValidUTF8(text, "\uFFFD")
			for _, match := range []store.Match{store.Exact, store.In, store.BeginsWith, store.EndsWith, store.Contains} {
				for _, sensitive := range []bool{false, true} {
					l := &store.Leaf{Dimension: store.Dimension{Column: store.ColPath}, Match: match,
						Values: []string{text}, CaseSensitive: sensitive}
					p := countEvents()
					p.Dimensions = []store.Dimension{{Column: store.ColPath}}
					p.Filter = &store.Predicate{Leaf: l}
					want := map[string]bool{}
					for _, path := range hostileTexts() {
						path = strings.ToValidUTF8(path, "\uFFFD")
						if matchText(&store.Leaf{Match: match, Values: []string{clean}, CaseSensitive: sensitive}, path) {
							want[path] = true
						}
					}
					rows, err := sn.Run(context.Background(), p)
					if err != nil {
						t.Fatalf("%s: match %d of %q: %v", stage, match, text, err)
					}
					got := map[string]bool{}
					for _, d := range rows.Dimensions {
						got[strings.ToValidUTF8(d[0], "\uFFFD")] = true
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: match %d of %q (-want +got):\n%s", stage, match, text, diff)
					}
				}
			}
			p := countEvents()
			p.Dimensions = []store.Dimension{{Column: store.ColParam, Param: text}}
			if got := mustRun(t, sn, p); !strings.HasPrefix(got, store.NotSet) {
				t.Errorf("%s: param %q: got %q", stage, text, got)
			}
		}
		sn.Release()
		w.checkpoint()
	}
}

// testSimpleFolding compares with strings.EqualFold over letters whose folding
// differs from lower or upper case.
func testSimpleFolding(t *testing.T, open Opener) { foldingIsSimple(t, newWorld(t, open)) }

func foldingIsSimple(t *testing.T, w place) {
	letters := []string{"k", "K", "\u212a", "s", "S", "\u017f", "i", "I", "\u0130", "\u0131", "\u00df", "\u1e9e",
		"ss", "\u03c3", "\u03c2", "\u03a3", "\u00e5", "\u212b", "\u01c5", "\u01c4", "\u01c6", "\u0390", "\u1fd3",
		"\ufb01", "fi", "\u00b5", "\u03bc", "\u1e9b", "\u1e61", "\u10d0", "\u1c90", "\u13a0", "\uab70", "\n"}
	b := &store.Batch{}
	for i, l := range letters {
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(i), Path: "x" + l + "y"})
	}
	w.append(b)
	sn := w.snapshot()
	defer sn.Release()
	for _, l := range letters {
		p := countEvents()
		p.Dimensions = []store.Dimension{{Column: store.ColPath}}
		p.Filter = &store.Predicate{Leaf: &store.Leaf{Dimension: p.Dimensions[0], Values: []string{"X" + l + "Y"}}}
		rows, err := sn.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, d := range rows.Dimensions {
			got = append(got, d[0])
		}
		for _, other := range letters {
			if strings.EqualFold("x"+other+"y", "X"+l+"Y") {
				want = append(want, "x"+other+"y")
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+q (-want +got):\n%s", l, diff)
		}
	}
}

func testInstallRefusesUnknownHeads(t *testing.T, open Opener) {
	w := newWorld(t, open)
	w.append(visits(0, 3))
	if err := w.store.Install(context.Background(), w.manifest, 77); err == nil {
		t.Error("install dropped a head that does not exist")
	}
	if _, err := w.store.WriteSegments(context.Background(), 77); err == nil {
		t.Error("a head that does not exist was written")
	}
	sn := w.snapshot()
	defer sn.Release()
	if got, want := mustRun(t, sn, countEvents()), ": 3\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func testClosedStore(t *testing.T, open Opener) {
	w := newWorld(t, open)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Append(context.Background(), visits(0, 1)); err == nil {
		t.Error("a closed store took rows")
	}
	if _, err := w.store.Snapshot(context.Background()); err == nil {
		t.Error("a closed store gave a snapshot")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.reopen()
	sn := w.snapshot()
	defer sn.Release()
	if _, err := sn.Run(ctx, countEvents()); !errors.Is(err, context.Canceled) {
		t.Errorf("run with a canceled context: got %v, want %v", err, context.Canceled)
	}
}
