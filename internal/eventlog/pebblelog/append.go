// Append: the bounded queue in front of the committer.
package pebblelog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// request states. Only two steps are possible: queued -> taken by the
// committer, or queued -> abandoned by its caller.
const (
	stateQueued = iota
	stateTaken
	stateAbandoned
)

// request is one Append or Truncate on its way to a commit.
type request struct {
	batch *eventlog.Batch
	trunc *truncation
	bytes int64
	state atomic.Int32
	done  chan error // capacity 1: the finisher never waits for a caller
	timer *time.Timer
}

// requestPool keeps requests for reuse; a sync.Pool but in tests.
type requestPool interface {
	Get() any
	Put(any)
}

// truncation moves the start of a partition.
type truncation struct {
	partition event.Partition
	start     event.Offset // new start
}

// errFailed is what callers get once the log has stopped for good (P3).
var errFailed = errors.New("log stopped after a failed write; open it again")

// Append makes b durable. See eventlog.Log.
func (l *Log) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	size, err := l.checkBatch(b)
	if err != nil {
		return err
	}
	if len(b.Records) == 0 && len(b.Counts) == 0 {
		return l.closedError()
	}
	if err := l.usage.admit(size, b.Essential); err != nil {
		l.telemetry.refused.Inc()
		return fmt.Errorf("append %d bytes: %w", size, err)
	}
	defer l.usage.leave(size)
	r := l.newRequest()
	r.batch, r.bytes = b, size
	return l.submit(ctx, r)
}

// checkBatch returns the bytes that b takes in the queue.
func (l *Log) checkBatch(b *eventlog.Batch) (int64, error) {
	const perRecord, perCount = 8, 64
	size := int64(len(b.Counts) * perCount)
	for i := range b.Records {
		r := &b.Records[i]
		if int(r.Partition) >= l.cfg.Partitions {
			return 0, fmt.Errorf("append record %d: no partition %d, the log has %d: %w",
				i, r.Partition, l.cfg.Partitions, eventlog.ErrInvalid)
		}
		size += int64(len(r.Payload)) + perRecord
	}
	if size > l.cfg.MaxAppendBytes {
		return 0, fmt.Errorf("append %d bytes, at most %d go into one batch: %w", size, l.cfg.MaxAppendBytes, eventlog.ErrInvalid)
	}
	return size, nil
}

func (l *Log) newRequest() *request {
	if r, ok := l.requests.Get().(*request); ok {
		return r
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &request{done: make(chan error, 1), timer: timer}
}

// recycle takes back a request that nobody else holds any more. From then on it
// is another caller's.
func (l *Log) recycle(r *request) {
	r.timer.Stop()
	r.batch, r.trunc, r.bytes = nil, nil, 0
	r.state.Store(stateQueued)
	l.requests.Put(r)
}

// submit queues r and waits for its outcome, for a bounded time: a disk that
// hangs must not hold the callers too.
func (l *Log) submit(ctx context.Context, r *request) error {
	if err := l.enqueue(ctx, r); err != nil {
		return err
	}
	r.timer.Reset(l.cfg.MaxQueueWait)
	for patient := true; ; patient = false {
		select {
		case err := <-r.done:
			l.recycle(r)
			return err
		case <-ctx.Done():
			return l.abandon(r, ctx.Err(), fmt.Errorf("%w: %w", eventlog.ErrUnknown, ctx.Err()))
		case <-l.failed:
			return l.abandon(r,
				fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed),
				fmt.Errorf("%w: %w", eventlog.ErrUnknown, errFailed))
		case <-r.timer.C:
			if patient && r.state.Load() == stateTaken {
				r.timer.Reset(l.cfg.MaxCommitWait)
				continue
			}
			return l.abandon(r,
				fmt.Errorf("wait for a commit: %w", eventlog.ErrFull),
				fmt.Errorf("wait for the disk: %w", eventlog.ErrUnknown))
		}
	}
}

// abandon gives up on r: with notTaken if the committer has not seen it, with
// the outcome if there is one by now, and with unknown otherwise.
func (l *Log) abandon(r *request, notTaken, unknown error) error {
	r.timer.Stop()
	if r.state.CompareAndSwap(stateQueued, stateAbandoned) {
		return notTaken
	}
	// The committer may be copying from the caller's buffers at this moment.
	// It holds building while it does, and the caller may have them back only
	// after that.
	l.building.Lock()
	//lint:ignore SA2001 the empty section is the point: it waits for the copy.
	l.building.Unlock()
	select {
	case err := <-r.done:
		return err
	default:
		return unknown
	}
}

// enqueue waits for a place in the queue, for a bounded time. A request that is
// larger than the whole queue gets in when the queue is empty.
func (l *Log) enqueue(ctx context.Context, r *request) error {
	waiting := false
	for {
		l.mu.Lock()
		if err := l.closedErrorLocked(); err != nil {
			l.mu.Unlock()
			return err
		}
		// Fast path: there is room.
		if l.queuedBytes == 0 || l.queuedBytes+r.bytes <= l.cfg.MaxQueueBytes {
			l.queue = append(l.queue, r)
			l.queuedBytes += r.bytes
			l.mu.Unlock()
			select {
			case l.work <- struct{}{}:
			default:
			}
			return nil
		}
		// Slow path: wait until the committer has taken something.
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		if !waiting {
			waiting = true
			r.timer.Reset(l.cfg.MaxQueueWait)
			defer r.timer.Stop()
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-r.timer.C:
			l.telemetry.refused.Inc()
			return fmt.Errorf("wait %v for a place in the queue: %w", l.cfg.MaxQueueWait, eventlog.ErrFull)
		case <-l.failed:
			return fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed)
		}
	}
}

// take returns what the next commit is made of: at most MaxCommitBytes, at
// least one request. It waits for work, and returns nil when the log is closing
// and the queue is empty.
func (l *Log) take(dst []*request) []*request {
	for {
		l.mu.Lock()
		var bytes int64
		n := 0
		for n < len(l.queue) && (n == 0 || bytes+l.queue[n].bytes <= l.maxCommit) {
			bytes += l.queue[n].bytes
			n++
		}
		if n > 0 {
			dst = append(dst, l.queue[:n]...)
			rest := copy(l.queue, l.queue[n:])
			clear(l.queue[rest:])
			l.queue = l.queue[:rest]
			l.queuedBytes -= bytes
			l.releaseRoomLocked()
			l.mu.Unlock()
			return dst
		}
		closing := l.closing
		l.mu.Unlock()
		if closing {
			return nil
		}
		select {
		case <-l.work:
		case <-l.failed:
			return nil
		}
	}
}

func (l *Log) releaseRoomLocked() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}
