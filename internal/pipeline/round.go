// Rounds: read a portion of every partition, fold the portions side by side, and
// hand the rows to the store while the next round is folded.
package pipeline

import (
	"context"
	"fmt"
	"math"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// readBytes is how much of a partition one round reads. Too little: rows reach
// the store in small batches, which costs it more per row. Too much: rows wait
// for the end of a long round before they are visible (D4).
const readBytes = 192 << 10

// folded is the outcome of a round on its way to the store.
type folded struct {
	batches []*store.Batch
	// visible is what becomes visible with them, by partition.
	next   []event.Offset
	clocks []event.Time
	// outcomes of the events, one map per worker.
	outcomes []map[event.PropertyID]ledger.Outcomes
}

type rounds struct {
	p       *Processor
	out     chan *folded
	free    chan *folded
	pending sync.WaitGroup
	mu      sync.Mutex
	err     error
	done    chan struct{}
}

func newRounds(p *Processor) *rounds {
	r := &rounds{p: p, out: make(chan *folded, 1), free: make(chan *folded, 2), done: make(chan struct{})}
	for range 2 {
		f := &folded{next: make([]event.Offset, len(p.parts)), clocks: make([]event.Time, len(p.parts))}
		for range p.cfg.Workers {
			f.batches = append(f.batches, &store.Batch{})
			f.outcomes = append(f.outcomes, map[event.PropertyID]ledger.Outcomes{})
		}
		r.free <- f
	}
	go r.appendAll()
	return r
}

func (r *rounds) close() {
	close(r.out)
	<-r.done
}

// run folds one portion of each partition and returns how many records it read: none
// if ctx ends first.
func (r *rounds) run(ctx context.Context) (int, error) {
	if err := r.failed(); err != nil {
		return 0, err
	}
	var f *folded
	select {
	case f = <-r.free:
	case <-ctx.Done():
		return 0, nil
	}
	n, err := r.fold(ctx, f)
	if err != nil || n == 0 {
		r.free <- f
		return n, err
	}
	r.pending.Add(1)
	r.out <- f
	return n, nil
}

func (r *rounds) fold(ctx context.Context, f *folded) (int, error) {
	// A round that has begun is finished: partitions that were folded have moved
	// on, and their rows must reach the store before the last checkpoint.
	ctx = context.WithoutCancel(ctx)
	parts := make(chan *partition, len(r.p.parts))
	for _, part := range r.p.parts {
		parts <- part
	}
	close(parts)
	counts, errs := make([]int, len(f.batches)), make([]error, len(f.batches))
	var wg sync.WaitGroup
	for w, batch := range f.batches {
		batch.Reset()
		clear(f.outcomes[w])
		wg.Go(func() {
			var entries []eventlog.Entry
			for part := range parts {
				if errs[w] != nil {
					continue
				}
				entries, errs[w] = r.p.deps.Log.Read(ctx, part.id, part.next, readBytes, entries[:0])
				if errs[w] == nil && len(entries) > 0 {
					errs[w] = part.apply(entries, batch, f.outcomes[w], r.p.keepTooLate)
				}
				counts[w] += len(entries)
			}
		})
	}
	wg.Wait()
	total := 0
	for w := range f.batches {
		if errs[w] != nil {
			return 0, fmt.Errorf("fold: %w", errs[w])
		}
		total += counts[w]
	}
	for i, part := range r.p.parts {
		f.next[i], f.clocks[i] = part.next, part.fold.Clock()
	}
	return total, nil
}

// apply folds entries, which begin at part.next.
func (part *partition) apply(entries []eventlog.Entry, out *store.Batch,
	outcomes map[event.PropertyID]ledger.Outcomes, late func(event.PropertyID, ledger.TooLate)) error {
	part.mu.Lock()
	defer part.mu.Unlock()
	for _, e := range entries {
		if e.Offset != part.next {
			return fmt.Errorf("partition %d: read offset %d where %d was due: %w",
				part.id, e.Offset, part.next, eventlog.ErrCorrupt)
		}
		if err := part.fold.Apply(e.Offset, e.Payload, out); err != nil {
			return err
		}
		part.next++
	}
	part.fold.Flush(out)
	part.fold.TakeOutcomes(outcomes)
	part.fold.TakeTooLate(late)
	return nil
}

// appendAll hands rounds to the store, in order.
func (r *rounds) appendAll() {
	defer close(r.done)
	for f := range r.out {
		if r.failed() == nil {
			if err := r.append(f); err != nil {
				r.mu.Lock()
				r.err = err
				r.mu.Unlock()
			}
		}
		r.free <- f
		r.pending.Done()
	}
}

func (r *rounds) append(f *folded) error {
	ctx := context.Background() // a batch is appended whole, also while stopping
	for _, b := range f.batches {
		if len(b.Events)+len(b.Sessions)+len(b.Aliases) == 0 {
			continue
		}
		if err := r.p.deps.Store.Append(ctx, b); err != nil {
			return fmt.Errorf("append rows to store: %w", err)
		}
		r.p.tel.rows.Add(float64(len(b.Events)))
	}
	for _, o := range f.outcomes {
		r.p.publish(o)
		for _, sum := range o {
			r.p.tel.count(&sum)
		}
	}
	r.p.observeVisible(f)
	for i, part := range r.p.parts {
		part.visible.Lock()
		part.visible.next, part.visible.clock = f.next[i], f.clocks[i]
		part.visible.Unlock()
	}
	r.p.moved.Lock()
	close(r.p.moved.signal)
	r.p.moved.signal = make(chan struct{})
	r.p.moved.Unlock()
	return nil
}

// observeVisible notes how long the oldest event of a round waited to be visible (D4).
func (p *Processor) observeVisible(f *folded) {
	oldest := event.Time(math.MaxInt64)
	for _, b := range f.batches {
		for i := range b.Events {
			oldest = min(oldest, b.Events[i].IngestTime)
		}
	}
	if oldest != math.MaxInt64 {
		p.tel.visible.Observe(max(0, p.deps.now().Sub(oldest).Seconds()))
	}
}

// drain waits until all rows folded are in the store.
func (r *rounds) drain() error {
	r.pending.Wait()
	return r.failed()
}

func (r *rounds) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
