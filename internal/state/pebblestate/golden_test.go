// What version 1 wrote stays readable (docs/format/state.md): testdata/v1 was written once, with every field set.
package pebblestate

import (
	"context"
	"flag"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden state of the current format version")

// goldenMeta is what testdata/v1 holds.
func goldenMeta() *state.Meta {
	return &state.Meta{
		Version: 1, Sequence: 42, Generation: 7,
		Partitions: []state.Partition{{Next: 1 << 40, Fold: []byte(`{"clock":1}`)}, {Next: 0}},
		Manifest: store.Manifest{
			Segments: []store.Segment{{ID: math.MaxUint64, Table: store.FinalEvents, File: "final_events-000009.parquet", Level: 2,
				Rows: 1_000_000, Bytes: 33_000_000, Checksum: math.MaxUint64 - 1, Format: 2, MinTime: -5, MaxTime: 1_772_000_000_000_000,
				LastNeeded: 1_772_000_000_000_001, MinProperty: 3, MaxProperty: math.MaxUint64}},
			FinalUntil: map[event.PropertyID]event.Time{3: 1_772_000_000_000_000},
			DayVersion: map[event.PropertyID]uint64{3: 9},
			Rollups:    map[event.PropertyID][]store.RollupRange{3: {{From: 1_771_000_000_000_000, To: 1_772_000_000_000_000, Zone: "Europe/Berlin"}}},
			Kept:       map[event.PropertyID][]store.RollupRange{3: {{From: math.MinInt64, To: 1_771_000_000_000_000, Zone: "UTC", Last: 26}}},
		},
		Marks:        []state.Mark{{IngestTime: 1_771_999_000_000_000, Next: []event.Offset{1, 2}}},
		Erasures:     []store.Erasure{{Property: 3, ClientID: "person \u00e9", Before: 1<<48 | 77}},
		Erased:       map[event.PropertyID]int64{3: 12},
		Restatements: map[event.PropertyID][]state.Restatement{3: {{At: 5, Why: "replay", From: 6, To: 7}}},
	}
}

// goldenClients are the records in it, by partition and key.
func goldenClients() map[event.Partition]map[string]string {
	return map[event.Partition]map[string]string{
		0: {"\x00\x00\x00\x00\x00\x00\x00\x03\x00ada": "record of ada"},
		1: {"\x00\x00\x00\x00\x00\x00\x00\x03\x03botada": "r", "\x00\x00\x00\x00\x00\x00\x00\x04\x00\xff": string(make([]byte, 1000))},
	}
}

func TestStateOfVersion1StaysReadable(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	if *rewriteGolden {
		writeGolden(t, dir)
	}
	copied := t.TempDir() // opening a state writes
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Dir: copied, CacheBytes: 1 << 20}, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goldenMeta(), m); diff != "" {
		t.Errorf("Meta (-written +read):\n%s", diff)
	}
	for p, clients := range goldenClients() {
		for key, want := range clients {
			if got, err := s.Client(p, []byte(key)); err != nil || got == nil || string(got) != want {
				t.Errorf("client %q of partition %d is %q, %v; want %q", key, p, got, err, want)
			}
		}
	}
	if got, err := s.Client(0, []byte("\x00\x00\x00\x00\x00\x00\x00\x03\x00gone")); err != nil || got != nil {
		t.Errorf("a deleted client is %q, %v", got, err)
	}
}

func writeGolden(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Dir: dir, CacheBytes: 1 << 20}, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	commit := func(m *state.Meta, set func(c state.Commit)) {
		c := s.Begin()
		defer c.Abandon()
		set(c)
		if err := c.Finish(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	gone := []byte("\x00\x00\x00\x00\x00\x00\x00\x03\x00gone")
	commit(&state.Meta{Version: 1, Sequence: 41}, func(c state.Commit) {
		if err := c.Client(0, gone, []byte("forgotten")); err != nil {
			t.Fatal(err)
		}
	})
	commit(goldenMeta(), func(c state.Commit) {
		if err := c.Client(0, gone, nil); err != nil {
			t.Fatal(err)
		}
		for p, clients := range goldenClients() {
			for key, value := range clients {
				if err := c.Client(p, []byte(key), []byte(value)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if err := s.db.Flush(); err != nil { // a WAL is larger than what is in it
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
