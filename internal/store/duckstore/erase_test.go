// S30: after an erasure no file of the store holds anything of the client, rollups
// included.
package duckstore

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

// filesHolding counts the files of s that hold a text in any column of any row.
func filesHolding(t *testing.T, s *Store, text string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.IsDir() || filepath.Ext(f) == sketchSuffix {
			continue
		}
		q := "SELECT count(*) FROM read_parquet(" + quote(f) + ") t WHERE contains(CAST(t AS VARCHAR), " + quote(text) + ")"
		err := s.reader.run(context.Background(), q, func(r *result) error {
			if r.int64(0, 0) > 0 {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// sketchesHolding counts files that have the hash of a client in a list: in cells, or beside them.
func sketchesHolding(t *testing.T, s *Store, client event.RowID) (n int) {
	t.Helper()
	var u sketch.Users
	u.Add(uint64(client))
	hash := u.AppendBinary(nil)[1:]
	for _, pattern := range []string{"*" + sketchSuffix + "*", filepath.Join(tempName, "*"+sketchSuffix+"*"), "*rollups-*" + segmentSuffix} {
		files, err := filepath.Glob(filepath.Join(s.cfg.Dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if filepath.Ext(f) == segmentSuffix {
				b = nil
				err = s.reader.run(context.Background(), "SELECT short_sketches FROM "+readParquet([]string{f}), func(r *result) error {
					for i := range r.rows {
						b = append(b, r.bytes(0, i)...)
					}
					return nil
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, hash) {
				n++
			}
		}
	}
	return n
}

func TestErasureLeavesNothingInAnyFileS30(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	const day = event.Time(20_000 * dayMicros)
	visit := func(client event.RowID, who string, at event.Time) *store.Batch {
		return &store.Batch{
			Events: []store.EventRow{{Property: 1, Row: client, Part: client, Client: client, UserID: "user-" + who, EventTime: at,
				Name: "page_view", Path: "/page-of-" + who, Title: "title-of-" + who, Params: `{"p":"param-of-` + who + `"}`, Active: true}},
			Sessions: []store.SessionRow{{Property: 1, Session: client, Revision: 1, Counted: true, Client: client, ClientID: "client-" + who,
				Start: at, End: at, LandingPath: "/page-of-" + who}},
		}
	}
	var m store.Manifest
	install := func(c store.Change, heads ...store.Head) {
		t.Helper()
		m.Segments = c.Apply(m.Segments)
		if err := s.Install(ctx, m, heads...); err != nil {
			t.Fatal(err)
		}
	}
	must := func(c *store.Change, err error) store.Change {
		t.Helper()
		if err != nil || c == nil {
			t.Fatalf("change %v: %v", c, err)
		}
		return *c
	}
	for _, b := range []*store.Batch{visit(1, "anna", day), visit(2, "berta", day+1), visit(3, "anna", day+dayMicros), visit(4, "berta", day+dayMicros)} {
		if err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	h, err := s.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	segs, err := s.WriteSegments(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	install(store.Change{Added: segs}, h)
	final := must(s.Finalize(ctx, m, map[event.PropertyID]event.Time{1: day + dayMicros}))
	m.FinalUntil = map[event.PropertyID]event.Time{1: day + dayMicros}
	install(final)
	spans := []store.RollupSpan{{Property: 1, From: day, To: day + dayMicros}}
	install(must(s.RollUp(ctx, m, spans)))
	if n := filesHolding(t, s, "anna"); n < 4 { // young and final events and sessions, cells
		t.Fatalf("%d files hold the client before: the test proves too little", n)
	}
	berta := filesHolding(t, s, "berta")
	if a, b := sketchesHolding(t, s, 1), sketchesHolding(t, s, 2); a != 1 || b != 1 {
		t.Fatalf("before %d and %d files hold sketches of the clients, want one each", a, b)
	}
	erased, err := s.Erase(ctx, m, []store.Erasure{{Property: 1, ClientID: "client-anna", Before: 100}})
	if err != nil || erased == nil {
		t.Fatalf("erase: %v, %v", erased, err)
	}
	install(erased.Change)
	install(must(s.RollUp(ctx, m, spans)))
	if n := filesHolding(t, s, "anna"); n != 0 {
		t.Errorf("%d files hold the client", n)
	}
	if a, b := sketchesHolding(t, s, 1), sketchesHolding(t, s, 2); a != 0 || b != 1 {
		t.Errorf("%d files hold sketches of the client, want none; %d of another one, want 1", a, b)
	}
	if n := filesHolding(t, s, "berta"); n != berta {
		t.Errorf("%d files hold another client, before %d", n, berta)
	}
}
