// Memory: a hungry query cannot make Append fail (T6).
package duckstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// noisyBatch has rows of about 800 bytes that do not compress.
func noisyBatch(r *rand.Rand, from, n int) *store.Batch {
	b := &store.Batch{}
	text := make([]byte, 375)
	for i := range n {
		for j := range text {
			text[j] = byte(r.Uint32())
		}
		x := hex.EncodeToString(text)
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(from + i), Path: x[:250],
			Title: x[250:500], Referrer: x[500:]})
	}
	return b
}

// hogs are how much a query has taken: it decides where in an append memory ends, in
// its rows or in their COMMIT.
func hogs(t *testing.T, test func(t *testing.T, s *Store)) {
	for _, rows := range []int{430_000, 450_000, 480_000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) { test(t, hungryStore(t, rows)) })
	}
}

// hungryStore is a store with little memory, and what a query has taken of it.
func hungryStore(t *testing.T, hogRows int) *Store {
	t.Helper()
	s, err := Open(Config{Dir: t.TempDir(), MemoryLimit: 96 << 20, TempLimit: 1 << 20}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.reader.exec(context.Background(), hog("hog", hogRows)); err != nil {
		t.Fatal(err)
	}
	return s
}

// fill appends until some rows found no memory, and says how many rows went in.
func fill(t *testing.T, s *Store, pressed func() bool) int {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	const size = 5000
	for i := range 40 {
		if err := s.Append(context.Background(), noisyBatch(r, i*size, size)); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
		if pressed() {
			return (i + 1) * size
		}
	}
	t.Fatal("the head never needed more memory than there was")
	return 0
}

// holdsRows checks that heads have the n rows that fill appended, each with its
// contents.
func holdsRows(t *testing.T, s *Store, n int) {
	t.Helper()
	want := map[uint64]string{}
	r := rand.New(rand.NewPCG(1, 1))
	for len(want) < n {
		for _, e := range noisyBatch(r, len(want), 5000).Events {
			want[uint64(e.Row)] = e.Path + e.Title + e.Referrer
		}
	}
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	v := sn.(*snapshot).view
	got := 0
	err = s.reader.run(context.Background(), v.young(store.YoungEvents, 1, "row_id, path || title || referrer", "true", nil),
		func(r *result) error {
			for i := range r.rows {
				got++
				if id := r.uint64(0, i); r.text(1, i) != want[id] {
					return fmt.Errorf("row %d has the contents of another", id)
				}
			}
			return nil
		})
	if err == nil && got != n {
		err = fmt.Errorf("%d rows, want %d", got, n)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestT6_AppendOutlivesAHungryQueryThatEnds(t *testing.T) { hogs(t, outliveAQueryThatEnds) }

func outliveAQueryThatEnds(t *testing.T, s *Store) {
	s.pressure.grace = time.Minute // no query is ended by force
	freed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() { freed <- freeOncePressed(ctx, s) }()
	done := false
	n := fill(t, s, func() bool {
		select {
		case err := <-freed:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		return done
	})
	holdsRows(t, s, n)
	if _, end, err := s.pressure.admit(ctx); err != nil {
		t.Errorf("after the append: got %v, want queries to run again", err)
	} else {
		end()
	}
}

// freeOncePressed waits until queries are held back, and gives up the memory.
func freeOncePressed(ctx context.Context, s *Store) error {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		_, end, err := s.pressure.admit(gone)
		if err != nil {
			return s.reader.exec(ctx, "DROP TABLE hog")
		}
		end()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestT6_AppendEndsAHungryQueryThatDoesNot(t *testing.T) { hogs(t, endAQueryThatDoesNot) }

func endAQueryThatDoesNot(t *testing.T, s *Store) {
	s.pressure.grace = 0
	ctx, end, err := s.pressure.admit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	freed := make(chan error, 1)
	go func() {
		<-ctx.Done()
		freed <- s.reader.exec(context.Background(), "DROP TABLE hog")
		end()
	}()
	n := fill(t, s, func() bool { return ctx.Err() != nil })
	if err := <-freed; err != nil {
		t.Fatal(err)
	}
	if cause := context.Cause(ctx); !errors.Is(cause, store.ErrResources) {
		t.Errorf("the query was ended with %v, want %v", cause, store.ErrResources)
	}
	holdsRows(t, s, n)
}

func TestT6_AppendGivesUpOnceItsPatienceEnds(t *testing.T) {
	s := hungryStore(t, 450_000)
	s.pressure.patience = 0
	r := rand.New(rand.NewPCG(1, 1))
	var err error
	for i := 0; i < 40 && err == nil; i++ {
		err = s.Append(context.Background(), noisyBatch(r, i*5000, 5000))
	}
	if !errors.Is(err, store.ErrResources) {
		t.Fatalf("got %v, want %v", err, store.ErrResources)
	}
	if err := s.Append(context.Background(), &store.Batch{}); err == nil {
		t.Error("the store took rows after a failed append")
	}
}
