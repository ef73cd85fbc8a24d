// Log: its state, and who may enter it when.
package pebblelog

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/eventlog"
)

var _ eventlog.Log = (*Log)(nil)

// pipelineDepth is how many commits may wait for their syncs at once. One would
// leave the disk idle while the next batch is encoded; more than a few only
// makes the batches smaller, for Pebble syncs them together anyway.
const pipelineDepth = 2

// plant is a bug that a test puts in to see that the suite finds it.
type plant int

const (
	plantNothing      plant = iota
	plantNoSync             // acknowledge before the sync
	plantReadUnsynced       // let readers see what is not synced yet
)

// Log is an event log in a Pebble database.
type Log struct {
	cfg       Config
	fs        vfs.FS
	logger    *slog.Logger
	telemetry *telemetry
	plant     plant
	db        *pebble.DB
	usage     *usage
	reclaimer *reclaimer
	sums      *sums
	secret    uint64 // key of the vouchers, from meta
	maxCommit int64  // MaxCommitBytes, or less in a small log
	chapters  chapters
	// chapterSize: a chapter fills about one table, so that files of two chapters overlap little.
	chapterSize int64

	// Written by the finisher only (P2), except in Open.
	ends    []atomic.Uint64 // durable end of each partition
	kept    []atomic.Uint64 // durable start of each partition: starts may be ahead
	durable atomic.Uint64   // number of the last durable commit
	// Written by the committer only (P1), except in Open.
	starts []atomic.Uint64
	begun  atomic.Uint64 // number of the last commit that may be visible in Pebble
	writer committer

	// The queue.
	mu          sync.Mutex
	queue       []*request
	queuedBytes int64
	room        chan struct{} // closed when the queue shrinks; nil if nobody waits
	closing     bool
	work        chan struct{} // capacity 1: there may be work
	requests    requestPool
	building    sync.Mutex // held while callers' buffers are read

	// The pipeline.
	slots    chan struct{} // one for each commit under way
	inflight chan *commit
	stopped  chan struct{} // closed when committer and finisher have ended

	// Waiters.
	waitMu  sync.Mutex
	advance chan struct{} // closed when ends move or the log closes; nil if nobody waits

	opened atomic.Bool // the database is open, it may compact

	// Readers hold gate for reading while they use db; Close takes it whole.
	gate   sync.RWMutex
	closed atomic.Bool

	failOnce    sync.Once
	failed      chan struct{} // closed at the first failure (P3)
	cause       atomic.Pointer[error]
	lastWarning atomic.Int64 // Unix nanoseconds
	fatalOnce   sync.Once
	fatal       chan struct{} // closed when Pebble gave up: its locks may be held forever
}

// Partitions returns the number of partitions.
func (l *Log) Partitions() int { return l.cfg.Partitions }

// enter lets a reader use the database until it calls release.
func (l *Log) enter() (release func(), err error) {
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	l.gate.RLock()
	if l.closed.Load() {
		l.gate.RUnlock()
		return nil, eventlog.ErrClosed
	}
	return l.gate.RUnlock, nil
}

// fail stops the log for good (P3).
func (l *Log) fail(err error) {
	l.failOnce.Do(func() {
		l.cause.Store(&err)
		close(l.failed)
		l.telemetry.failed.Set(1)
		l.logger.Error("event log stopped: a write failed, restart to recover", "error", err)
	})
}

// giveUp stops the log because Pebble cannot go on, not even to close.
func (l *Log) giveUp(err error) {
	l.fatalOnce.Do(func() { close(l.fatal) })
	l.fail(err)
}

// Identity names the log for what holds offsets of it. A log on one disk is named by its place.
func (l *Log) Identity() string { return "pebble" }

// Failed is closed when the log stops for good: it must be opened again, in most
// cases by a new process.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Err returns why the log stopped, or nil while it works.
func (l *Log) Err() error { return l.failure() }

// failure returns why the log stopped, or nil.
func (l *Log) failure() error {
	if p := l.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// closedError says why nothing more can be appended, or nil.
func (l *Log) closedError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closedErrorLocked()
}

func (l *Log) closedErrorLocked() error {
	if l.failure() != nil {
		return fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed)
	}
	if l.closing {
		return eventlog.ErrClosed
	}
	return nil
}

// asCorrupt marks Pebble's own findings of damage as ours.
func asCorrupt(err error) error {
	if err != nil && pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", eventlog.ErrCorrupt, err)
	}
	return err
}
