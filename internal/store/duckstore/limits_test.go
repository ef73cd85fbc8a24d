// Limits: a query fails alone (T6), and SQL reaches nothing outside the
// store's directory.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/store"
)

func TestT6_QueryOverItsTimeFailsWithErrResources(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), QueryTimeout: time.Nanosecond}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	if _, err := sn.Run(context.Background(), &store.Plan{To: 1}); !errors.Is(err, store.ErrResources) {
		t.Errorf("got %v, want %v", err, store.ErrResources)
	}
}

func TestT6_RunningQueryIsInterrupted(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := s.reader.exec(ctx, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := s.reader.exec(context.Background(), "SELECT 1"); err != nil {
		t.Errorf("the connection is of no use after an interrupt: %v", err)
	}
}

func TestT6_QueryOverItsMemoryFailsAlone(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), MemoryLimit: 64 << 20, TempLimit: 32 << 20}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const batches, size = 8, 10_000
	for i := range batches {
		b := &store.Batch{}
		for j := range size {
			text := fmt.Sprintf("%d-%d%s", i, j, strings.Repeat("x", 250))
			b.Events = append(b.Events, store.EventRow{Property: 1, Path: text, Title: text + "t", Referrer: text + "r"})
		}
		if err := s.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	hungry := &store.Plan{Property: 1, To: 1, Aggregates: []store.Aggregate{{}}, Dimensions: []store.Dimension{
		{Column: store.ColPath}, {Column: store.ColTitle}, {Column: store.ColReferrer}}}
	if _, err := sn.Run(context.Background(), hungry); !errors.Is(err, store.ErrResources) {
		t.Errorf("hungry: got %v, want %v", err, store.ErrResources)
	}
	rows, err := sn.Run(context.Background(), &store.Plan{Property: 1, To: 1, Aggregates: []store.Aggregate{{}}})
	if err != nil || rows.Aggregates[0][0] != batches*size {
		t.Errorf("modest: got %v, %v", rows, err)
	}
}

func TestD8_PropertyWaitsForItsOwnQueriesOnly(t *testing.T) {
	s := newSlots(4)
	var free []func()
	for range 2 {
		f, err := s.take(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		free = append(free, f)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.take(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a third query of property 1: got %v, want it to wait", err)
	}
	f, err := s.take(context.Background(), 2)
	if err != nil {
		t.Fatalf("property 2 must not wait: %v", err)
	}
	f()
	for _, f := range free {
		f()
	}
	if len(s.queue) != 0 || len(s.all) != 0 {
		t.Errorf("left behind: %d properties, %d slots", len(s.queue), len(s.all))
	}
}

func TestSQLReachesNothingOutsideTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	outside := filepath.Join(filepath.Dir(dir), "secret.csv")
	if err := os.WriteFile(outside, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, dir, store.Manifest{})
	for _, e := range []*engine{s.reader, s.writer} {
		for _, q := range []string{
			"SELECT * FROM read_csv(" + quote(outside) + ")",
			"SELECT * FROM read_text(" + quote(dir+"/../secret.csv") + ")",
			"SELECT * FROM " + quote(outside),
			"COPY (SELECT 1) TO " + quote(outside+".parquet") + " (FORMAT parquet)",
			"ATTACH " + quote(outside+".db") + " AS x",
			"SET enable_external_access = true",
			"SET memory_limit = '100GB'",
			"INSTALL httpfs",
			"LOAD httpfs",
		} {
			if err := e.exec(context.Background(), q); err == nil {
				t.Errorf("%s: it was done", q)
			}
		}
		inside := quote(filepath.Join(dir, "x.parquet"))
		if err := e.exec(context.Background(), "COPY (SELECT 1) TO "+inside+" (FORMAT parquet)"); err != nil {
			t.Errorf("write inside: %v", err)
		}
		if err := e.exec(context.Background(), "SELECT * FROM "+readParquet([]string{filepath.Join(dir, "x.parquet")})); err != nil {
			t.Errorf("read inside: %v", err)
		}
	}
}
