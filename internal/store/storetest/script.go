// Scripts: the suite's data-driven part. Commands:
//
//	append                     one batch; input lines are rows:
//	                           event Row=1 Part=1 Client=1 EventTime=20@10:00 Path=/a Active
//	                           Property is 1 unless given; sessions are Counted, Revision is 1
//	checkpoint                 seal, write, install
//	compact                    compact until nothing is left to do, install each change
//	finalize 1=21@00:00 ...    finalize properties until times, install
//	reopen                     close; open with the installed manifest
//	open_sessions through=...  prints what OpenSessions says
//	run events by=(path,time:date) of=(count,users?active,sum:value_micros)
//	                           answers, sorted: dimensions : aggregates; the input is a filter, as
//	                           (and (exact path /a) (not (in! event_name a b)))
//
// Matches: exact begins ends contains full partial in = < <= > >= between; a
// trailing ! makes them case-sensitive.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// world is a store and the manifest that its caller would keep.
type world struct {
	t        testing.TB
	open     Opener
	dir      string
	store    store.Store
	manifest store.Manifest
}

func newWorld(t testing.TB, open Opener) *world {
	t.Helper()
	return newWorldAt(t, open, t.TempDir())
}

func newWorldAt(t testing.TB, open Opener, dir string) *world {
	t.Helper()
	w := &world{t: t, open: open, dir: dir}
	w.reopen()
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

func (w *world) reopen() {
	w.t.Helper()
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			w.t.Fatalf("close: %v", err)
		}
	}
	s, err := w.open(w.t, w.dir, w.manifest)
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	w.store = s
}

func (w *world) append(b *store.Batch) {
	w.t.Helper()
	if err := w.store.Append(context.Background(), b); err != nil {
		w.t.Fatalf("append: %v", err)
	}
}

// checkpoint makes all rows durable.
func (w *world) checkpoint() {
	w.t.Helper()
	ctx := context.Background()
	h, err := w.store.Seal(ctx)
	if err != nil {
		w.t.Fatalf("seal: %v", err)
	}
	segs, err := w.store.WriteSegments(ctx, h)
	if err != nil {
		w.t.Fatalf("write segments: %v", err)
	}
	m := w.manifest
	m.Segments = append(slices.Clone(m.Segments), segs...)
	w.install(m, h)
}

func (w *world) install(m store.Manifest, heads ...store.Head) {
	w.t.Helper()
	if err := w.store.Install(context.Background(), m, heads...); err != nil {
		w.t.Fatalf("install: %v", err)
	}
	w.manifest = clone(m)
}

// applied returns m with c applied.
func applied(m store.Manifest, c *store.Change) store.Manifest {
	m = clone(m)
	m.Segments = c.Apply(m.Segments)
	return m
}

// compact compacts once and says whether there was anything to do.
func (w *world) compact() bool {
	w.t.Helper()
	c, err := w.store.Compact(context.Background(), w.manifest)
	if err != nil {
		w.t.Fatalf("compact: %v", err)
	}
	if c == nil {
		return false
	}
	w.install(applied(w.manifest, c))
	return true
}

func (w *world) finalize(until map[event.PropertyID]event.Time) {
	w.t.Helper()
	c, err := w.store.Finalize(context.Background(), w.manifest, until)
	if err != nil {
		w.t.Fatalf("finalize: %v", err)
	}
	w.install(finalized(w.manifest, c, until))
}

// finalized returns m after c made days final until the times.
func finalized(m store.Manifest, c *store.Change, until map[event.PropertyID]event.Time) store.Manifest {
	m = applied(m, c)
	if m.FinalUntil == nil {
		m.FinalUntil = map[event.PropertyID]event.Time{}
	}
	for p, t := range until {
		m.FinalUntil[p] = t
	}
	return m
}

// run answers p from a new snapshot.
func (w *world) run(p *store.Plan) (*store.Rows, error) {
	w.t.Helper()
	sn, err := w.store.Snapshot(context.Background())
	if err != nil {
		w.t.Fatalf("snapshot: %v", err)
	}
	defer sn.Release()
	return sn.Run(context.Background(), p)
}

// print writes an answer, sorted.
func print(rows *store.Rows, err error) string {
	if err != nil {
		for _, known := range []error{store.ErrUnsupported, store.ErrTooManyRows, store.ErrResources} {
			if strings.Contains(err.Error(), known.Error()) {
				return "error: " + known.Error() + "\n"
			}
		}
		return "error\n"
	}
	lines := make([]string, 0, len(rows.Dimensions))
	for i := range rows.Dimensions {
		aggs := make([]string, 0, len(rows.Aggregates[i]))
		for _, a := range rows.Aggregates[i] {
			aggs = append(aggs, fmt.Sprint(a))
		}
		lines = append(lines, strings.TrimSpace(strings.Join(rows.Dimensions[i], " | ")+" : "+strings.Join(aggs, " "))+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// command executes one command of a script.
func (w *world) command(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "append":
		b, err := parseBatch(d.Input)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		w.append(b)
	case "checkpoint":
		w.checkpoint()
	case "compact":
		for w.compact() {
		}
	case "finalize":
		w.finalize(parseUntil(t, d))
	case "reopen":
		w.reopen()
	case "open_sessions":
		return printOpen(t, d, func(ctx context.Context, through event.Time) (map[event.PropertyID]store.Open, error) {
			return w.store.OpenSessions(ctx, w.manifest, through)
		})
	case "run":
		p, err := parsePlan(d)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return print(w.run(p))
	default:
		d.Fatalf(t, "there is no command %q", d.Cmd)
	}
	return ""
}

func parseUntil(t *testing.T, d *datadriven.TestData) map[event.PropertyID]event.Time {
	t.Helper()
	until := map[event.PropertyID]event.Time{}
	for _, arg := range d.CmdArgs {
		p, err := event.ParsePropertyID(arg.Key)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		if until[p], err = parseTime(arg.Vals[0]); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	return until
}

func printOpen(t *testing.T, d *datadriven.TestData,
	openSessions func(context.Context, event.Time) (map[event.PropertyID]store.Open, error)) string {
	t.Helper()
	through, err := parseTime(d.CmdArgs[0].Vals[0])
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	open, err := openSessions(context.Background(), through)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	var lines []string
	for p, o := range open {
		earliest := "none"
		if o.EarliestStart != 0 {
			earliest = o.EarliestStart.String()
		}
		lines = append(lines, fmt.Sprintf("%d: open since %s, young from %v to %v\n", p, earliest,
			o.MinTime, o.MaxTime))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
