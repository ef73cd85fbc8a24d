// S30: what was deleted is in no table any more.
package pebblestate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/state"
)

func TestPurgeLeavesNoByteInTablesS30(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, CacheBytes: 1 << 20}, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	commit := func(fill func(state.Commit) error) {
		t.Helper()
		c := s.Begin()
		defer c.Abandon()
		if err := fill(c); err != nil {
			t.Fatal(err)
		}
		if err := c.Finish(ctx, &state.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	const marker = "person-who-wants-to-be-forgotten"
	commit(func(c state.Commit) error {
		for i := range 2000 {
			if err := c.Client(0, fmt.Appendf(nil, "client %05d", i), bytes.Repeat([]byte{byte(i)}, 300)); err != nil {
				return err
			}
		}
		return c.Client(0, []byte("client 01000-"+marker), []byte(marker))
	})
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	tables := func() (n int) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if errors.Is(err, os.ErrNotExist) {
				continue // the engine deletes files in the background
			}
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(b), marker)
		}
		return n
	}
	if tables() == 0 {
		t.Fatal("the marker is in no table before: the test proves nothing")
	}
	commit(func(c state.Commit) error { return c.Client(0, []byte("client 01000-"+marker), nil) })
	if err := s.Purge(ctx, 0, [][]byte{[]byte("client 01000-" + marker)}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for again := time.NewTicker(5 * time.Millisecond); tables() != 0; <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("the marker is %d times in tables", tables())
		}
	}
	if v, err := s.Client(0, []byte("client 01000")); err != nil || len(v) != 300 {
		t.Errorf("another client's record has %d bytes, %v", len(v), err)
	}
	if v, err := s.Client(0, []byte("client 01000-"+marker)); err != nil || v != nil {
		t.Errorf("the deleted record is %q, %v", v, err)
	}
}
