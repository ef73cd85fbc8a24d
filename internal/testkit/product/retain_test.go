// S30 on the whole pipeline: rows of days go, what prepared sums tell of them stays as it
// was, and every other question says that the rows are gone.
package product_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

const dayMicros = 86_400_000_000

// retained is a property of events on days one to twelve of March 2026, three an hour
// apart on each, by a client of each day and one who is there on all.
type retained struct {
	t       *testing.T
	options product.Options
	product *product.Product
	of      property.Property
}

const retainedDays = 12

func newRetained(t *testing.T, adjust func(*product.Options)) *retained {
	t.Helper()
	r := &retained{t: t, of: crashProperty, options: product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 2,
		RowDays: map[event.PropertyID]int{}}}
	adjust(&r.options)
	r.open()
	t.Cleanup(func() {
		if err := r.product.Close(); err != nil {
			t.Error(err)
		}
	})
	for day := range retainedDays {
		records := []*event.Record{}
		if day == 0 {
			records = append(records, spec.DefinitionRecord(r.of, crashStart))
		}
		for n := range 3 {
			at := crashStart + int64(day-1)*dayMicros + int64(n)*3_600_000_000 // 10, 11, 12 o'clock UTC
			for _, client := range []string{"always", fmt.Sprint("day-", day)} {
				records = append(records, &event.Record{Kind: &event.Record_Event{Event: &event.Event{Property: 1, ClientId: client,
					Name: "page_view", Key: fmt.Sprint(client, day, n), UserId: "user-of-" + client,
					Url: fmt.Sprintf("https://shop.example/day/%d", day), EventTime: at, IngestTime: at, Trusted: true}}})
			}
		}
		r.load(records...)
		r.settle()
	}
	r.load(tick(crashStart + 20*dayMicros))
	r.settle()
	return r
}

func (r *retained) open() {
	r.t.Helper()
	var err error
	if r.product, err = product.Open(r.options); err != nil {
		r.t.Fatal(err)
	}
}

func (r *retained) load(records ...*event.Record) {
	r.t.Helper()
	if err := r.product.Load(r.t.Context(), records); err != nil {
		r.t.Fatal(err)
	}
}

func (r *retained) settle() {
	r.t.Helper()
	if err := r.product.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// keep says for how many days rows are kept, and has what is due dropped.
func (r *retained) keep(days int) {
	r.t.Helper()
	r.options.RowDays[1] = days // Product asks this map
	r.settle()
}

// march is a question about days of March.
func (r *retained) march(from, to int, metric string, dimensions ...string) *report.Query {
	q := &report.Query{Property: r.of, Metrics: []report.MetricRef{{Name: metric}}, Order: []report.OrderBy{},
		Ranges: []report.DateRange{{Start: report.Day{Year: 2026, Month: 3, Day: from}, End: report.Day{Year: 2026, Month: 3, Day: to}}}}
	for _, d := range dimensions {
		q.Dimensions = append(q.Dimensions, report.DimensionRef{Name: d})
		q.Order = append(q.Order, report.OrderBy{Dimension: d})
	}
	return q
}

func (r *retained) ask(q *report.Query) string {
	r.t.Helper()
	a, err := r.product.Answer(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, row := range a.Rows {
		fmt.Fprintln(&b, row.Dimensions, row.Metrics)
	}
	return b.String()
}

// questions are such as prepared sums answer.
func (r *retained) questions() []*report.Query {
	return []*report.Query{r.march(1, 31, "eventCount"), r.march(1, 31, "eventCount", "date"), r.march(2, 5, "sessions", "date"),
		r.march(1, 31, "totalUsers"), r.march(1, 31, "newUsers", "date"), r.march(1, 12, "screenPageViews", "pagePath"),
		r.march(3, 9, "engagedSessions", "dateHour"), r.march(1, 31, "averageSessionDuration", "sessionDefaultChannelGroup")}
}

func (r *retained) answers() []string {
	r.t.Helper()
	var out []string
	for _, q := range r.questions() {
		out = append(out, r.ask(q))
	}
	return out
}

func TestDroppedRowsLeaveTheirSumsS30(t *testing.T) {
	for name, adjust := range map[string]func(*product.Options){"duckdb": func(*product.Options) {}, "memory": inMemory} {
		t.Run(name, func(t *testing.T) { dropSome(t, newRetained(t, adjust)) })
	}
}

// dropSome: on the 22nd, rows of eight days before it are kept, and then of fifteen:
// what has gone does not come back.
func dropSome(t *testing.T, r *retained) {
	before := r.answers()
	ledger, err := r.product.Ledger(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r.keep(15)
	from, gone := manifestOf(r).RowsFrom(1)
	if want := midnight(7); !gone || from != want {
		t.Fatalf("rows begin at %v (%v), want %v", from, gone, want)
	}
	if diff := cmp.Diff(before, r.answers()); diff != "" {
		t.Errorf("answers from sums changed (-before +after):\n%s", diff)
	}
	for name, q := range map[string]*report.Query{
		"a parameter":         r.march(1, 31, "eventCount", "customEvent:x"),
		"users of two kinds":  r.march(6, 7, "totalUsers", "pagePath", "country"),
		"sessions of pages":   r.march(1, 2, "sessions", "pagePath"),
		"all verdicts":        func() *report.Query { q := r.march(1, 31, "eventCount"); q.AllVerdicts = true; return q }(),
		"the last day before": r.march(6, 6, "eventCount", "pagePath", "date", "language"),
	} {
		_, err := r.product.Answer(t.Context(), q)
		var gone *report.GoneError
		if !errors.As(err, &gone) {
			t.Errorf("%s: %v, want that rows are gone", name, err)
		} else if want := (report.Day{Year: 2026, Month: 3, Day: 7}); gone.RowsFrom != want || !strings.Contains(gone.Error(), "2026-03-07") {
			t.Errorf("%s: rows are said to begin on %v, want %v: %v", name, gone.RowsFrom, want, gone)
		}
	}
	if got, want := r.ask(r.march(7, 31, "sessions", "pagePath")), pages(7, 12); got != want {
		t.Errorf("sessions by page of days with rows: got\n%swant\n%s", got, want)
	}
	r.onlyKeptRowsOnDisk(from)
	after, err := r.product.Ledger(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ledger, after); diff != "" || !after.Balanced() {
		t.Errorf("the account changed (-before +after):\n%s", diff)
	}
	if r.keep(30); manifestOf(r).Kept[1][0].To != from {
		t.Errorf("keeping more brings rows back: %+v", manifestOf(r).Kept)
	}
	r.keep(8)
	if from, _ := manifestOf(r).RowsFrom(1); from <= midnight(12) {
		t.Errorf("rows begin at %v, want none left of a property that had no event for long", from)
	}
	for _, seg := range manifestOf(r).Segments {
		if seg.Table != store.KeptCells && seg.Table != store.KeptSketches {
			t.Errorf("there is a segment of %s", seg.Table)
		}
	}
	if diff := cmp.Diff(before, r.answers()); diff != "" {
		t.Errorf("answers from sums changed when all rows went (-before +after):\n%s", diff)
	}
	r.load(later("back", 1, crashStart+20*dayMicros))
	if got, want := r.ask(r.march(1, 31, "eventCount")), "[] [73]\n"; got != want {
		t.Errorf("with a young event: got %swant %s", got, want)
	}
	if got, want := r.ask(r.march(1, 31, "totalUsers")), "[] [14]\n"; got != want {
		t.Errorf("users with a young event: got %swant %s", got, want)
	}
}

// onlyKeptRowsOnDisk checks that no file but those of the manifest is there, and that these
// hold no older row: a segment's bounds were read from its rows.
func (r *retained) onlyKeptRowsOnDisk(from event.Time) {
	r.t.Helper()
	named := map[string]bool{}
	for _, seg := range manifestOf(r).Segments {
		named[seg.File] = true
		if !seg.Table.OfCells() && seg.Table != store.YoungAliases &&
			(seg.MinTime < from || seg.LastNeeded < from) {
			r.t.Errorf("segment %s has rows from %v on, want none before %v", seg.File, seg.MinTime, from)
		}
	}
	files, err := filepath.Glob(filepath.Join(r.options.Dir, "segments", "*.*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range files {
		if !named[filepath.Base(f)] {
			r.t.Errorf("file %s is still there", f)
		}
	}
}

func later(client string, n int, at int64) *event.Record {
	return &event.Record{Kind: &event.Record_Event{Event: &event.Event{Property: 1, ClientId: client, Name: "page_view",
		Key: fmt.Sprint("later", n), Url: "https://shop.example/later", EventTime: at, IngestTime: at, Trusted: true}}}
}

func pages(from, to int) string {
	var lines []string
	for day := from; day <= to; day++ {
		lines = append(lines, fmt.Sprintf("[/day/%d] [6]\n", day-1))
	}
	lines = append(lines[len(lines)-2:], lines[:len(lines)-2]...) // by bytes: /day/10 before /day/6
	return strings.Join(lines, "")
}

func midnight(day int) event.Time {
	return event.Time(crashStart).Add(-10*3600e9) + event.Time(day-2)*dayMicros
}

func manifestOf(r *retained) *store.Manifest {
	m := r.product.Processor.Manifest()
	return &m
}

// TestDroppedDaysKeepTheZoneInWhichTheyWereCountedS30: days are those of Tokyo until the
// 7th, and of Los Angeles from then on. Nothing is lost and nothing counts twice.
func TestDroppedDaysKeepTheZoneInWhichTheyWereCountedS30(t *testing.T) {
	for name, adjust := range map[string]func(*product.Options){"duckdb": func(*product.Options) {}, "memory": inMemory} {
		t.Run(name, func(t *testing.T) {
			r := newRetained(t, adjust)
			r.define("Asia/Tokyo")
			tokyo := r.ask(r.march(1, 31, "eventCount", "date"))
			r.keep(15)
			r.define("America/Los_Angeles")
			if got := r.ask(r.march(1, 31, "eventCount")); got != "[] [72]\n" {
				t.Errorf("all events: got %s", got)
			}
			if got := r.ask(r.march(1, 31, "eventCount", "date")); got != tokyo {
				t.Errorf("by day: got\n%swant\n%s", got, tokyo) // events are at noon
			}
			r.keep(12)
			if kept := manifestOf(r).Kept[1]; len(kept) != 2 || kept[0].Zone != "Asia/Tokyo" || kept[1].Zone != "America/Los_Angeles" ||
				kept[0].To != kept[1].From {
				t.Errorf("kept days are %+v", kept)
			}
			if got := r.ask(r.march(1, 31, "eventCount", "date")); got != tokyo {
				t.Errorf("by day, after more were dropped: got\n%swant\n%s", got, tokyo)
			}
			a, err := r.product.Answer(t.Context(), r.march(1, 31, "eventCount"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]report.KeptZone{{TimeZone: "Asia/Tokyo", To: report.Day{Year: 2026, Month: 3, Day: 6}}}, a.Meta.KeptZones); diff != "" {
				t.Errorf("what the answer says of zones (-want +got):\n%s", diff)
			}
		})
	}
}

// define changes the zone.
func (r *retained) define(zone string) {
	r.t.Helper()
	r.of.TimeZone = zone
	r.of.Version++
	r.load(spec.DefinitionRecord(r.of, crashStart+20*dayMicros))
	r.settle()
}

func TestRebuildAndReplayKnowOfDroppedRowsS30(t *testing.T) {
	r := newRetained(t, func(*product.Options) {})
	before := r.answers()
	stale := r.replay()
	r.keep(15)
	if err := stale.Apply(t.Context()); err == nil {
		t.Error("a replay that was begun before brought rows back")
	}
	engine, err := r.product.Replays(true)
	if err != nil {
		t.Fatal(err)
	}
	var gone *replay.GoneError
	if _, err := engine.Run(t.Context(), replay.Order{Was: r.of, Now: r.of, From: report.Day{Year: 2026, Month: 3, Day: 1},
		To: report.Day{Year: 2026, Month: 3, Day: 12}}); !errors.As(err, &gone) || gone.RowsFrom != midnight(7) {
		t.Errorf("replay: %v, want that rows are gone", err)
	}
	if err := r.product.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := product.Rebuild(t.Context(), r.options, false); !errors.Is(err, replay.ErrCountsLost) {
		t.Errorf("rebuild without the archive: %v, want a refusal", err)
	}
	if r.options, err = product.Rebuild(t.Context(), r.options, true); err != nil {
		t.Fatal(err)
	}
	r.open()
	if diff := cmp.Diff(before, r.answers()); diff != "" {
		t.Errorf("answers after a rebuild (-before +after):\n%s", diff)
	}
}

func (r *retained) replay() *replay.Result {
	r.t.Helper()
	engine, err := r.product.Replays(true)
	if err != nil {
		r.t.Fatal(err)
	}
	result, err := engine.Run(r.t.Context(), replay.Order{Was: r.of, Now: r.of, From: report.Day{Year: 2026, Month: 3, Day: 1},
		To: report.Day{Year: 2026, Month: 3, Day: 12}})
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// TestPowerCutWhileRowsAreDroppedS30: afterwards all of them are there, or none, and the
// next upkeep drops them.
func TestPowerCutWhileRowsAreDroppedS30(t *testing.T) {
	mem, dropping := vfs.NewCrashableMem(), false
	var moments []replayMoment
	var dir string
	r := newRetained(t, func(o *product.Options) {
		o.FS, dir = mem, o.Dir
		o.Step = func(name string) {
			if dropping {
				m := replayMoment{step: name, dir: filepath.Join(t.TempDir(), "cut"), fs: mem.CrashClone(vfs.CrashCloneCfg{})}
				copyFiles(t, filepath.Join(dir, "segments"), filepath.Join(m.dir, "segments"))
				moments = append(moments, m)
			}
		}
	})
	before := r.answers()
	dropping = true
	r.keep(15)
	dropping = false
	steps, committed := map[string]bool{}, false
	for _, m := range moments {
		steps[m.step] = true
		cut := &retained{t: t, of: r.of, options: product.Options{Dir: m.dir, FS: m.fs, Partitions: 2, RowDays: map[event.PropertyID]int{}}}
		cut.open()
		_, gone := manifestOf(cut).RowsFrom(1)
		committed = committed || (steps["drop rows"] && m.step == "install")
		if gone != committed {
			t.Errorf("power cut at step %q: rows are gone: %v, want %v", m.step, gone, committed)
		}
		if diff := cmp.Diff(before, cut.answers()); diff != "" {
			t.Errorf("power cut at step %q (-before +after):\n%s", m.step, diff)
		}
		cut.load(tick(crashStart + 20*dayMicros))
		cut.keep(15)
		if from, _ := manifestOf(cut).RowsFrom(1); from != midnight(7) {
			t.Errorf("power cut at step %q: rows begin at %v after the next upkeep", m.step, from)
		}
		if diff := cmp.Diff(before, cut.answers()); diff != "" {
			t.Errorf("power cut at step %q, after the next upkeep (-before +after):\n%s", m.step, diff)
		}
		if err := cut.product.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, step := range []string{"drop rows", "commit", "install", "installed"} {
		if !steps[step] {
			t.Errorf("there was no step %q", step)
		}
	}
}
