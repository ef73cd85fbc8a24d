// Play: owners that race for one partition, as processes would after a
// rebalance of which not all have heard yet.
package intenttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"tidemark/internal/intent"
)

// play is what all owners of one partition do together.
type play struct {
	t         *testing.T
	partition int

	mu       sync.Mutex
	acquired uint64                   // largest epoch that any Acquire returned
	store    map[uint64]intent.Intent // by seq: what was inserted under its token
	inserts  int
}

// Play lets one owner per handle acquire the partition rounds times, redo what is
// open, and do batches until it is fenced. It fails if an old epoch wrote (I2), if
// two owners inserted other offsets under one sequence number (I3), or if offsets
// are missing or twice (I4). An error that is no answer is tried again (I6).
func Play(t *testing.T, handles []intent.Registry, partition, rounds int) {
	t.Helper()
	p := &play{t: t, partition: partition, store: map[uint64]intent.Intent{}}
	var wg sync.WaitGroup
	for n, r := range handles {
		wg.Go(func() {
			for round := range rounds {
				p.own(t.Context(), r, fmt.Sprintf("node-%d", n), uint64(n+round))
			}
		})
	}
	wg.Wait()
	p.check(handles[0])
}

// own is the life of one owner under one epoch. It does a few batches and would
// go on, but somebody else wants the partition too.
func (p *play) own(ctx context.Context, r intent.Registry, node string, spread uint64) {
	var epoch uint64
	p.again(ctx, func() (err error) { epoch, err = r.Acquire(ctx, p.partition, node); return err })
	p.mu.Lock()
	p.acquired = max(p.acquired, epoch)
	p.mu.Unlock()
	for range 4 {
		var at intent.Progress
		p.again(ctx, func() (err error) { at, err = r.Progress(ctx, p.partition); return err })
		if at.Epoch != epoch {
			return
		}
		next := intent.Intent{Partition: p.partition, Seq: at.Last.Seq + 1, From: at.Last.To, To: at.Last.To + 1 + spread%5}
		if at.Open != nil {
			next = *at.Open
		}
		next.Epoch, next.State = epoch, intent.StateName(p.partition, epoch, next.Seq)
		if !p.call(ctx, epoch, func() error { return r.Begin(ctx, next) }) {
			return
		}
		p.insert(next)
		if !p.call(ctx, epoch, func() error { return r.Save(ctx, p.partition, epoch, next.Seq) }) ||
			!p.call(ctx, epoch, func() error { return r.Done(ctx, p.partition, epoch, next.Seq) }) {
			return
		}
	}
}

// call makes one change and tells whether the owner may go on.
func (p *play) call(ctx context.Context, epoch uint64, change func() error) bool {
	p.mu.Lock()
	newest := p.acquired
	p.mu.Unlock()
	fenced := false
	p.again(ctx, func() error {
		err := change()
		fenced = errors.Is(err, intent.ErrFenced)
		if fenced {
			return nil
		}
		return err
	})
	if !fenced && epoch < newest {
		p.t.Errorf("I2: epoch %d wrote after epoch %d was acquired", epoch, newest)
	}
	return !fenced
}

// again repeats a call until it is answered.
func (p *play) again(ctx context.Context, call func() error) {
	for {
		err := call()
		switch {
		case err == nil:
			return
		case errors.Is(err, intent.ErrConflict), errors.Is(err, intent.ErrInvalid), errors.Is(err, intent.ErrFenced), ctx.Err() != nil:
			p.t.Errorf("an owner that keeps to the rules was refused: %v", err)
			return
		}
	}
}

// insert is the store: a token that is known is dropped.
func (p *play) insert(i intent.Intent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inserts++
	former, known := p.store[i.Seq]
	if !known {
		p.store[i.Seq] = i
	} else if !former.SameBatch(i) {
		p.t.Errorf("I3: seq %d is offsets %d to %d and %d to %d", i.Seq, former.From, former.To, i.From, i.To)
	}
}

// check looks at the store alone: each offset is there once.
func (p *play) check(r intent.Registry) {
	p.t.Helper()
	var next uint64
	for seq := uint64(1); seq <= uint64(len(p.store)); seq++ {
		i, found := p.store[seq]
		if !found || i.From != next {
			p.t.Errorf("I4: seq %d is %+v after offset %d", seq, i, next)
		}
		next = i.To
	}
	var at intent.Progress
	p.again(p.t.Context(), func() (err error) { at, err = r.Progress(p.t.Context(), p.partition); return err })
	if at.Last.Seq > uint64(len(p.store)) || at.Last.Seq+1 < uint64(len(p.store)) {
		p.t.Errorf("%d batches are in the store, and the last done one is %d", len(p.store), at.Last.Seq)
	}
	if len(p.store) == 0 {
		p.t.Error("no owner came to insert anything: the test shows nothing")
	}
}
