// Memory: hungry queries do not keep rows out (T6).
package duckstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

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

// hungryStore is a store whose engine for queries has no memory left, until free is called.
func hungryStore(t *testing.T) (s *Store, free func() error) {
	t.Helper()
	s, err := Open(Config{Dir: t.TempDir(), MemoryLimit: 96 << 20, TempLimit: 1 << 20}, store.Manifest{}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	hogs := 0
	for _, rows := range []int{200_000, 40_000, 8_000} {
		for err == nil {
			if err = s.reader.exec(context.Background(), hog(fmt.Sprint("hog", hogs), rows)); err == nil {
				hogs++
			}
		}
		if !errors.Is(err, store.ErrResources) {
			t.Fatal(err)
		}
		err = nil
	}
	return s, func() (err error) {
		for i := range hogs {
			err = errors.Join(err, s.reader.exec(context.Background(), fmt.Sprint("DROP TABLE hog", i)))
		}
		return err
	}
}

// holdsRows checks that the store has the n rows of noisy batches, each with its contents.
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

// Rows have memory of their own: whatever queries take, rows are appended, written and
// committed, and are whole afterwards.
func TestT6_RowsNeedNoMemoryOfQueries(t *testing.T) {
	s, free := hungryStore(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 1))
	const batches, size = 12, 5000 // some 50 MB
	for i := range batches {
		if err := s.Append(ctx, noisyBatch(r, i*size, size)); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
	}
	id, err := s.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	segs, err := s.WriteSegments(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := free(); err != nil {
		t.Fatal(err)
	}
	holdsRows(t, s, batches*size)
	if err := s.Install(ctx, store.Manifest{Segments: segs}, id); err != nil {
		t.Fatal(err)
	}
	holdsRows(t, s, batches*size)
}
