// Spool: its state, how it opens, and the methods that a collector does not need.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

var _ eventlog.Log = (*Spool)(nil)

// plant is a bug that a test puts in to see that the tests find it.
type plant int

const (
	plantNothing       plant = iota
	plantMoveFirst           // truncate the near log before the far log has the frames
	plantOvertake            // turn a lane back while it has frames
	plantNoWaiting           // turn a lane back while appends are on their way to the near log
	plantDropCounts          // forward records without their counts
	plantForgetUnknown       // take an append of unknown outcome for done
)

// Spool is an event log that appends to the far log, and to the near log while
// the far log does not take it.
type Spool struct {
	cfg       Config
	near      eventlog.Log
	deps      Deps
	logger    *slog.Logger
	telemetry *telemetry
	plant     plant
	lanes     []*lane
	underWay  underWay

	far    atomic.Pointer[eventlog.Log]
	opened chan struct{} // closed when far is there
	cause  atomic.Pointer[error]
	failed chan struct{} // closed with the first failure
	reason atomic.Pointer[error]

	gate     sync.RWMutex // held for reading by appends
	closed   atomic.Bool
	once     sync.Once
	draining chan struct{} // closed when no append comes any more
	stop     context.CancelFunc
	life     context.Context // of forwarders and of opening the far log
	running  sync.WaitGroup  // forwarders
	opening  sync.WaitGroup
}

// Open returns a spool that takes appends at once and opens the far log in the
// background. What the near log has from before is forwarded first.
func Open(cfg Config, deps Deps) (*Spool, error) { return open(cfg, deps, plantNothing) }

func open(cfg Config, deps Deps, bug plant) (*Spool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	if deps.Near == nil || deps.OpenFar == nil {
		return nil, errors.New("open spool: it needs a near log and a way to open the far one")
	}
	if n := deps.Near.Partitions(); n != cfg.Partitions {
		return nil, fmt.Errorf("open spool: near log has %d partitions, configuration says %d: "+
			"let it run empty under the old number", n, cfg.Partitions)
	}
	deps = deps.withDefaults(cfg)
	s := &Spool{
		cfg: cfg, near: deps.Near, deps: deps, logger: deps.Logger, plant: bug,
		opened: make(chan struct{}), failed: make(chan struct{}), draining: make(chan struct{}),
	}
	s.life, s.stop = context.WithCancel(context.Background())
	for p := range event.Partition(cfg.Partitions) {
		ln, err := s.newLane(p)
		if err != nil {
			s.stop()
			return nil, fmt.Errorf("open spool: %w", err)
		}
		s.lanes = append(s.lanes, ln)
	}
	var err error
	if s.telemetry, err = newTelemetry(deps.Registerer, s); err != nil {
		s.stop()
		return nil, fmt.Errorf("register spool telemetry: %w", err)
	}
	s.opening.Go(s.openFar)
	for _, ln := range s.lanes {
		s.running.Go(ln.begin)
	}
	return s, nil
}

// enter lets an append in until it calls release.
func (s *Spool) enter() (release func(), err error) {
	s.gate.RLock()
	if s.closed.Load() {
		s.gate.RUnlock()
		return nil, eventlog.ErrClosed
	}
	return s.gate.RUnlock, nil
}

// fail notes that the near log does not work any more: what it holds waits for
// the next start.
func (s *Spool) fail(err error) {
	if s.cause.CompareAndSwap(nil, &err) {
		close(s.failed)
		s.telemetry.failed.Set(1)
		s.logger.Error("spool stopped forwarding: restart to go on", "error", err)
	}
}

// Failed is closed when the spool can no longer forward: it must be opened again.
func (s *Spool) Failed() <-chan struct{} { return s.failed }

// Err returns why the spool can no longer forward, or nil.
func (s *Spool) Err() error {
	if p := s.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// errAppendOnly is what readers get.
var errAppendOnly = errors.New("a spool is appended to only: read the far log")

// Partitions returns the number of partitions.
func (s *Spool) Partitions() int { return s.cfg.Partitions }

// End returns a number that differs after each append to p. It is no offset: what
// is spooled has none yet.
func (s *Spool) End(p event.Partition) event.Offset {
	end := s.near.End(p)
	if far := s.far.Load(); far != nil {
		end += (*far).End(p)
	}
	return end
}

// Start returns the oldest offset of p in the far log, 0 as long as that is not open.
func (s *Spool) Start(p event.Partition) event.Offset {
	if far := s.far.Load(); far != nil {
		return (*far).Start(p)
	}
	return 0
}

// Read returns an error.
func (s *Spool) Read(
	_ context.Context, _ event.Partition, _ event.Offset, _ int, dst []eventlog.Entry,
) ([]eventlog.Entry, error) {
	return dst, errAppendOnly
}

// Wait returns an error.
func (s *Spool) Wait(context.Context, []event.Offset) error { return errAppendOnly }

// Truncate returns an error.
func (s *Spool) Truncate(context.Context, event.Partition, event.Offset) error { return errAppendOnly }

// Counts returns an error.
func (s *Spool) Counts(context.Context) ([]eventlog.Count, error) { return nil, errAppendOnly }

// CountsOf returns an error.
func (s *Spool) CountsOf(context.Context, event.PropertyID) (map[event.RefuseReason]int64, error) {
	return nil, errAppendOnly
}
