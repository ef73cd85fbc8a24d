// World: a source of a few rows in memory whose files are lines of text, an archive in
// memory, and what must hold of the two whatever happens.
package archive

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

const (
	hour = event.Time(time.Hour / time.Microsecond)
	day  = 24 * hour
	// today is 2026-11-01 UTC.
	today = event.Time(1793491200_000_000)
)

// row is an event if end is 0, else a session.
type row struct {
	at, end event.Time
	client  string
}

func (r row) String() string { return fmt.Sprintf("%d-%d-%s", r.at, r.end, r.client) }

func (r row) table() store.Table {
	if r.end != 0 {
		return store.FinalSessions
	}
	return store.FinalEvents
}

// source implements Source.
type source struct {
	finals map[event.PropertyID]Final
	rows   map[event.PropertyID][]row
	zone   string
	writes int // of files
}

// newSource has days of two properties, the second with days without rows between.
func newSource(days int) *source {
	s := &source{finals: map[event.PropertyID]Final{}, rows: map[event.PropertyID][]row{}, zone: "UTC"}
	for i := range days {
		at := today + event.Time(i)*day
		s.rows[1] = append(s.rows[1], row{at, 0, "anna"}, row{at + 5*hour, 0, "otto"}, row{at + 23*hour, 0, "anna"},
			row{at, at + hour, "anna"}, row{at + 5*hour, at + 30*hour, "otto"})
		if i%2 == 0 {
			s.rows[7] = append(s.rows[7], row{at + 12*hour, 0, "emma"}, row{at + 12*hour, at + 13*hour, "emma"})
		}
	}
	for p := range s.rows {
		s.finals[p] = Final{FinalState: store.FinalState{Until: today + event.Time(days)*day, Version: 1, RowsFrom: math.MinInt64}}
	}
	return s
}

func (s *source) change(p event.PropertyID, f func(*Final)) {
	final := s.finals[p]
	final.Version++
	f(&final)
	s.finals[p] = final
}

// erase takes out a client's rows.
func (s *source) erase(p event.PropertyID, client string) {
	lo, hi := event.Time(math.MaxInt64), event.Time(math.MinInt64)
	s.rows[p] = slices.DeleteFunc(slices.Clone(s.rows[p]), func(r row) bool {
		if r.client == client {
			lo, hi = min(lo, r.at), max(hi, r.at+1)
		}
		return r.client == client
	})
	s.change(p, func(f *Final) { f.Changes = append(slices.Clone(f.Changes), Change{lo, hi, "erasure of " + client}) })
}

// drop takes out rows before t, but sessions that end after it.
func (s *source) drop(p event.PropertyID, t event.Time) {
	s.rows[p] = slices.DeleteFunc(slices.Clone(s.rows[p]), func(r row) bool { return r.at < t && r.end < t })
	final := s.finals[p]
	final.RowsFrom = t // as in a store: the version stays
	s.finals[p] = final
}

// clone is the source as it is now.
func (s *source) clone() *source {
	return &source{finals: maps.Clone(s.finals), rows: maps.Clone(s.rows), zone: s.zone}
}

func (s *source) Finals(context.Context) (map[event.PropertyID]Final, error) {
	return maps.Clone(s.finals), nil
}

func (s *source) Zone(context.Context, event.PropertyID) (string, error) { return s.zone, nil }

func (s *source) Export(_ context.Context, p event.PropertyID) (store.Export, error) {
	return &export{s, s.finals[p].FinalState, s.rows[p]}, nil
}

type export struct {
	source *source
	state  store.FinalState
	rows   []row
}

func (e *export) State() (store.FinalState, bool) { return e.state, true }
func (e *export) Release()                        {}

func (e *export) FirstRow(_ context.Context, from event.Time) (first event.Time, found bool, err error) {
	for _, r := range e.rows {
		if r.at >= from && (!found || r.at < first) {
			first, found = r.at, true
		}
	}
	return first, found, nil
}

func (e *export) lines(t store.Table, from, to event.Time) (out []string) {
	for _, r := range e.rows {
		if r.table() == t && r.at >= from && r.at < to {
			out = append(out, r.String())
		}
	}
	return out
}

func (e *export) Count(_ context.Context, t store.Table, from, to event.Time) (int64, error) {
	return int64(len(e.lines(t, from, to))), nil
}

// Write makes each file a little different, as another engine or version would.
func (e *export) Write(_ context.Context, t store.Table, from, to event.Time) (*os.File, error) {
	f, err := os.CreateTemp("", "export")
	if err != nil {
		return nil, err
	}
	e.source.writes++
	text := strings.Join(e.lines(t, from, to), "\n") + strings.Repeat("\n", e.source.writes)
	if _, err := f.WriteString(text); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func newBlobs(testing.TB) blob.Store { return &blobtest.Mem{} }

func newArchiver(t testing.TB, blobs blob.Store, s Source, adjust func(*Config)) *Archiver {
	t.Helper()
	cfg := DefaultConfig()
	if adjust != nil {
		adjust(&cfg)
	}
	a, err := New(cfg, Deps{Blobs: blobs, Source: s, Logger: slog.New(slog.DiscardHandler),
		Clock: func() time.Time { return today.Std() }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustRound(t testing.TB, a *Archiver) {
	t.Helper()
	if err := a.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// mustHold checks what holds at any moment: each range is whole, ranges meet, no row is twice. It
// returns the rows that are archived.
func mustHold(t testing.TB, blobs blob.Store, p event.PropertyID) []string {
	t.Helper()
	v, err := NewReader(blobs).Verify(t.Context(), p, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range v.Damaged {
		t.Fatalf("%s: %v", v.Entries[i].Day, err)
	}
	if len(v.Gaps) > 0 {
		t.Fatalf("gaps: %v", v.Gaps)
	}
	var rows []string
	for _, e := range v.Entries {
		for _, f := range e.Files {
			lines := strings.Fields(readObject(t, blobs, f.Key))
			if int64(len(lines)) != f.Rows {
				t.Fatalf("%s has %d rows, its entry says %d", f.Key, len(lines), f.Rows)
			}
			rows = append(rows, lines...)
		}
	}
	slices.Sort(rows)
	if twice := len(rows) - len(slices.Compact(slices.Clone(rows))); twice > 0 {
		t.Fatalf("%d rows are archived twice", twice)
	}
	return rows
}

// mustEqual checks that all is archived as it is in the source, and nothing else is there.
func mustEqual(t testing.TB, blobs blob.Store, s *source) {
	t.Helper()
	for p, rows := range s.rows {
		var want []string
		for _, r := range rows {
			want = append(want, r.String())
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, mustHold(t, blobs, p)); diff != "" {
			t.Fatalf("property %s (-source +archive):\n%s", p, diff)
		}
		v, err := NewReader(blobs).Verify(t.Context(), p, func(int64) {})
		if err != nil || len(v.Unnamed) > 0 {
			t.Fatalf("objects that no entry names: %v, %v", v.Unnamed, err)
		}
		if _, older, err := NewReader(blobs).load(t.Context(), p); err != nil || len(older) > 0 {
			t.Fatalf("entries that were superseded: %v, %v", older, err)
		}
	}
}

func readObject(t testing.TB, blobs blob.Store, key string) string {
	t.Helper()
	b, err := blob.Read(t.Context(), blobs, key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everything returns all bytes of all objects.
func everything(t testing.TB, blobs blob.Store) string {
	t.Helper()
	var out strings.Builder
	for info, err := range blobs.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(readObject(t, blobs, info.Key))
	}
	return out.String()
}

// calling counts what f calls of blobs.
func calling(blobs blob.Store, decide func(blobtest.Call) blobtest.Fault) *blobtest.Faults {
	return &blobtest.Faults{Store: blobs, Decide: decide}
}
