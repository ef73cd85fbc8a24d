// A report that takes all memory fails alone (T6): whoever finds none ends those that were long
// at it, and those only.
package duckstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/internal/store"
)

// backdate makes the queries that run older.
func backdate(p *pressure, by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.running {
		q.began = q.began.Add(-by)
	}
}

func TestT6_SmallReportEndsTheHungryOneBeforeIt(t *testing.T) {
	s, free := hungryStore(t)
	if err := s.Append(t.Context(), noisyBatch(rand.New(rand.NewPCG(1, 1)), 0, 30_000)); err != nil {
		t.Fatal(err)
	}
	hungry, ended := s.pressure.admit(t.Context())
	gone := make(chan error, 1)
	go func() { // what the hungry report took is free once it has ended
		<-hungry.Done()
		gone <- free()
		ended()
	}()
	sn, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Release()
	plan := &store.Plan{Property: 1, From: -1, To: 10, Aggregates: []store.Aggregate{{Op: store.Count}},
		Dimensions: []store.Dimension{{Column: store.ColPath}, {Column: store.ColTitle}, {Column: store.ColReferrer}}}
	if _, err := sn.Run(t.Context(), plan); !errors.Is(err, store.ErrResources) {
		t.Fatalf("beside a report as young as itself: %v, want no memory", err)
	}
	if hungry.Err() != nil {
		t.Fatal("a report was ended by one that is as old")
	}
	backdate(s.pressure, time.Minute)
	rows, err := sn.Run(t.Context(), plan)
	if err != nil {
		t.Fatalf("beside a hungry report: %v", err)
	}
	if len(rows.Dimensions) != 30_000 {
		t.Errorf("%d rows, want 30,000", len(rows.Dimensions))
	}
	if err := context.Cause(hungry); !errors.Is(err, errCrowding) || !errors.Is(err, store.ErrResources) {
		t.Errorf("the hungry report ended with %v", err)
	}
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
}
