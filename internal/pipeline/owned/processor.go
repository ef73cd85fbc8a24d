// Processor: the partitions that this process owns.
package owned

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/intent"
)

// Processor folds the partitions that are assigned to it.
type Processor struct {
	cfg  Config
	deps Deps
	tel  *telemetry
	// generation is of the log: a state of another one is refused.
	generation uint64

	mu     sync.Mutex
	owners map[event.Partition]*owner
	closed bool

	failed chan error // the first error that no other try will mend
}

// New returns a Processor that owns nothing yet.
func New(cfg Config, deps Deps) (*Processor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Processor{cfg: cfg, deps: deps, generation: Generation(cfg.LogName), owners: map[event.Partition]*owner{}, failed: make(chan error, 1)}
	p.tel = newTelemetry(deps.Registerer, p)
	return p, nil
}

// Assign begins to own partitions. It returns at once. One that is owned already stays as it is.
func (p *Processor) Assign(partitions []event.Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range partitions {
		if p.closed || p.owners[id] != nil {
			continue
		}
		p.owners[id] = p.own(id)
	}
}

// Revoke hands partitions over in good order: the batch under way is finished if that is
// possible in time. When it returns, nothing of them is written any more.
func (p *Processor) Revoke(partitions []event.Partition) {
	p.letGo(partitions, func(o *owner) { o.end(p.cfg.HandOver) })
}

// Lose ends partitions that are somebody else's already.
func (p *Processor) Lose(partitions []event.Partition) {
	p.letGo(partitions, func(o *owner) { o.end(0) })
}

func (p *Processor) letGo(partitions []event.Partition, end func(*owner)) {
	var wg sync.WaitGroup
	for _, id := range partitions {
		p.mu.Lock()
		o := p.owners[id]
		delete(p.owners, id)
		p.mu.Unlock()
		if o != nil {
			wg.Go(func() { end(o) })
		}
	}
	wg.Wait()
}

// Run returns when ctx is done, or with the error that made it impossible to go on with a
// partition.
func (p *Processor) Run(ctx context.Context) error {
	select {
	case err := <-p.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Close hands over everything.
func (p *Processor) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Revoke(p.Owned())
	return nil
}

// Owned returns the partitions that this process works on, in order.
func (p *Processor) Owned() []event.Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]event.Partition, 0, len(p.owners))
	for id := range p.owners {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// fail ends Run. A partition that was let go, or that another node has, does not.
func (p *Processor) fail(o *owner, err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, intent.ErrFenced) {
		return
	}
	select {
	case p.failed <- fmt.Errorf("fold partition %d: %w", o.id, err):
	default: // one is enough
	}
}
