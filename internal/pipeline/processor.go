// Processor: restore, the main loop, and the end.
package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/ledger"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Processor folds every partition of a log into a store.
type Processor struct {
	cfg  Config
	deps Deps
	tel  *telemetry

	parts  []*partition
	keeper *keeper
	// flush asks the main loop for a checkpoint now; nudge ends its wait for records.
	flush chan chan error
	nudge atomic.Pointer[context.CancelFunc]
	// stopping is closed when Run leaves its loop: nothing waits any more.
	stopping chan struct{}

	upkeepMu sync.Mutex // one upkeep at a time
	// broken takes the error of a commit that somebody else made and that failed.
	broken chan error

	accounts struct { // outcomes of events that are visible
		sync.RWMutex
		of map[event.PropertyID]ledger.Outcomes
		// erased is how many of the stored ones have no rows any more.
		erased map[event.PropertyID]int64
		latest map[event.PropertyID][]ledger.TooLate
	}

	moved struct { // closed and made anew when more becomes visible
		sync.Mutex
		signal chan struct{}
	}

	sinceCheckpoint int // events
	lastCheckpoint  time.Time
	underWay        chan error // result of the checkpoint being written, or nil
}

// partition is one partition's fold and how far it has come.
type partition struct {
	id   event.Partition
	next event.Offset // first offset not folded; main loop only

	mu   sync.Mutex // guards fold against Ledger and Freshness between batches
	fold *fold.Fold

	visible struct { // what snapshots can see
		sync.Mutex
		next  event.Offset
		clock event.Time
	}
}

// New restores a processor from the last commit, meta (nil: there was none).
func New(cfg Config, meta *state.Meta, deps Deps) (*Processor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Processor{cfg: cfg, deps: deps, flush: make(chan chan error, 1),
		broken: make(chan error, 1), stopping: make(chan struct{}), lastCheckpoint: deps.Clock()}
	p.tel = newTelemetry(deps.Registerer)
	p.moved.signal = make(chan struct{})
	p.accounts.of = map[event.PropertyID]ledger.Outcomes{}
	p.accounts.latest = map[event.PropertyID][]ledger.TooLate{}
	n := deps.Log.Partitions()
	if meta == nil {
		meta = &state.Meta{Generation: deps.Generation, Partitions: make([]state.Partition, n)}
	}
	if len(meta.Partitions) != n || meta.Generation != deps.Generation {
		return nil, fmt.Errorf("the processor state is of log generation %d with %d partitions, the log is "+
			"generation %d with %d: they do not belong together; restore both from one backup",
			meta.Generation, len(meta.Partitions), deps.Generation, n)
	}
	for i := range n {
		part, err := p.restore(event.Partition(i), &meta.Partitions[i])
		if err != nil {
			return nil, err
		}
		p.parts = append(p.parts, part)
		p.publish(part.fold.Ledgers())
	}
	p.keeper = newKeeper(*meta, &p.deps)
	p.settleErased()
	p.tel.watch(deps.Registerer, p)
	return p, nil
}

type savedClients struct {
	state     state.State
	partition event.Partition
}

func (s savedClients) Client(key []byte) ([]byte, error) { return s.state.Client(s.partition, key) }

func (p *Processor) restore(id event.Partition, saved *state.Partition) (*partition, error) {
	part := &partition{id: id, next: saved.Next,
		fold: fold.New(id, savedClients{p.deps.State, id}, p.deps.Deriver)}
	if start, end := p.deps.Log.Start(id), p.deps.Log.End(id); saved.Next < start || saved.Next > end {
		return nil, fmt.Errorf("partition %d was folded to offset %d, but the log holds [%d, %d): "+
			"log and state do not belong together; restore both from one backup", id, saved.Next, start, end)
	}
	if len(saved.Fold) > 0 {
		var snapshot fold.Snapshot
		if err := json.Unmarshal(saved.Fold, &snapshot); err != nil {
			return nil, fmt.Errorf("decode state of partition %d: %w", id, err)
		}
		if err := part.fold.Restore(&snapshot); err != nil {
			return nil, err
		}
	}
	part.visible.next, part.visible.clock = part.next, part.fold.Clock()
	return part, nil
}

// ErrAbort, as the cause of a context's end, makes Run leave without a last
// checkpoint, as a crash would.
var ErrAbort = errors.New("abort")

// Run folds until ctx is done, then makes a last checkpoint and returns. It
// returns early, with an error, only when going on could lose or double rows.
func (p *Processor) Run(ctx context.Context) error {
	upkeepCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	upkeep := make(chan error, 1)
	go func() { upkeep <- p.upkeep(upkeepCtx) }()
	err := p.loop(ctx, upkeep)
	close(p.stopping)
	stop()
	if uerr := <-upkeep; err == nil && !errors.Is(uerr, context.Canceled) {
		err = uerr
	}
	aborted := errors.Is(context.Cause(ctx), ErrAbort)
	if err == nil && !aborted {
		err = p.finish(context.WithoutCancel(ctx))
	} else if p.underWay != nil {
		<-p.underWay
	}
	return err
}

// idle is how long the loop waits for records before it looks at the clock.
const idle = 200 * time.Millisecond

func (p *Processor) loop(ctx context.Context, upkeep chan error) error {
	rounds := newRounds(p)
	defer rounds.close()
	for ctx.Err() == nil {
		if err := p.waitForRecords(ctx); err != nil {
			return err
		}
		began := time.Now()
		n, err := rounds.run(ctx)
		if err != nil {
			return err // also while stopping: a last checkpoint would commit offsets of rows that are not there
		}
		p.sinceCheckpoint += n
		var asked chan error
		select {
		case err := <-p.underWay: // nil channel: never
			p.underWay = nil
			if err != nil {
				return err
			}
		case err := <-upkeep:
			upkeep <- err
			return err
		case asked = <-p.flush:
		default:
		}
		if asked != nil || p.checkpointDue() {
			if err := p.checkpoint(ctx, rounds, asked); err != nil {
				return err
			}
		}
		if err := p.holdBack(ctx); err != nil {
			return err
		}
		p.pace(ctx, n, began)
	}
	return rounds.drain()
}

// checkpoint begins one once all rows folded are in the store. asked, if set, is
// told how it ends.
func (p *Processor) checkpoint(ctx context.Context, rounds *rounds, asked chan error) error {
	err := rounds.drain()
	if err == nil {
		err = p.beginCheckpoint(ctx, asked)
	}
	if err != nil && asked != nil {
		asked <- err
	}
	return err
}

// holdBack lets a checkpoint that is slow catch up before memory holds more than
// two of them: the log on disk is the place for a backlog (D8).
func (p *Processor) holdBack(ctx context.Context) error {
	if p.underWay == nil || p.sinceCheckpoint < p.cfg.CheckpointEvents {
		return nil
	}
	select {
	case err := <-p.underWay:
		p.underWay = nil
		return err
	case <-ctx.Done():
		return nil
	}
}

func (p *Processor) isStopping() bool {
	select {
	case <-p.stopping:
		return true
	default:
		return false
	}
}

func (p *Processor) waitForRecords(ctx context.Context) error {
	ends := make([]event.Offset, len(p.parts))
	for i, part := range p.parts {
		ends[i] = part.next
	}
	wait, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	p.nudge.Store(&cancel)
	if len(p.flush) > 0 {
		return nil
	}
	err := p.deps.Log.Wait(wait, ends)
	if err != nil && wait.Err() == nil {
		return fmt.Errorf("wait for records: %w", err)
	}
	return nil
}

// finish makes the last checkpoint.
func (p *Processor) finish(ctx context.Context) error {
	done := make(chan error, 1)
	if err := p.beginCheckpoint(ctx, done); err != nil {
		return err
	}
	return <-p.underWay
}

// Checkpoint makes one now and waits for it: tests and backups use it.
func (p *Processor) Checkpoint(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case p.flush <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if cancel := p.nudge.Load(); cancel != nil {
		(*cancel)()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WaitVisible returns once every record that is in the log now is visible to
// new snapshots.
func (p *Processor) WaitVisible(ctx context.Context) error {
	ends := make([]event.Offset, len(p.parts))
	for i, part := range p.parts {
		ends[i] = p.deps.Log.End(part.id)
	}
	for {
		p.moved.Lock()
		signal := p.moved.signal
		p.moved.Unlock()
		if p.visibleTo(ends) {
			return nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Processor) visibleTo(ends []event.Offset) bool {
	for i, part := range p.parts {
		part.visible.Lock()
		next := part.visible.next
		part.visible.Unlock()
		if next < ends[i] {
			return false
		}
	}
	return true
}

// Manifest returns the committed manifest.
func (p *Processor) Manifest() store.Manifest { return p.keeper.manifest() }
