// The committer: the only goroutine that writes keys (P1).
package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// commit is one Pebble batch under way, with all who wait for it.
type commit struct {
	number   uint64
	batch    *pebble.Batch
	requests []*request
	ends     []partitionEnd
	counts   []eventlog.Count
	records  int
	bytes    int64
}

// partitionEnd is where a partition ends once a commit is durable.
type partitionEnd struct {
	partition event.Partition
	end       event.Offset
}

// committer is the state that only the committer goroutine touches.
type committer struct {
	number       uint64         // of the last commit
	next         []event.Offset // next offset of each partition
	starts       []event.Offset // start of each partition
	chapter      uint32         // the current one
	chapterBytes int64          // what was appended to it; -1: by an earlier run, or there is none
	groups       [][][]byte     // payloads by partition, reused
	used         []event.Partition
	counts       map[countID]int64
	key          []byte
}

// commitLoop gathers and commits until the log closes or fails.
func (l *Log) commitLoop() {
	defer close(l.inflight)
	defer l.drainQueue()
	var current *commit
	defer func() {
		// Pebble panics, or its logger ends the goroutine, when the WAL or the
		// manifest cannot be written. Either way the commit's fate is unknown.
		cause := recover()
		if current == nil && cause == nil {
			return
		}
		l.giveUp(fmt.Errorf("%w: commit ended inside the database: %v", errGaveUp, cause))
		if current != nil {
			current.answer(fmt.Errorf("%w: %w", eventlog.ErrUnknown, errFailed))
		}
	}()
	var taken []*request
	for {
		// A slot first, then the queue: while all slots wait for syncs, the
		// next commit gathers.
		select {
		case l.slots <- struct{}{}:
		case <-l.failed:
			return
		}
		taken = l.take(taken[:0])
		if len(taken) == 0 || l.failure() != nil {
			answerTaken(taken, fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed))
			return
		}
		current = l.build(taken)
		if current == nil {
			<-l.slots
			continue
		}
		l.begun.Store(current.number)
		if err := l.apply(current); err != nil {
			l.fail(err)
			current.answer(fmt.Errorf("%w: %w", eventlog.ErrUnknown, err))
			current = nil
			return
		}
		l.inflight <- current
		current = nil
	}
}

// apply writes the commit to the WAL and the memtable, and asks for a sync
// without waiting for it.
func (l *Log) apply(c *commit) error {
	if l.plant == plantNoSync {
		return l.db.Apply(c.batch, pebble.NoSync)
	}
	return l.db.ApplyNoSyncWait(c.batch, pebble.Sync)
}

// build encodes the requests into one Pebble batch. It returns nil if nothing
// is left to do.
func (l *Log) build(taken []*request) *commit {
	l.building.Lock()
	defer l.building.Unlock()
	w := &l.writer
	c := &commit{number: w.number + 1}
	for _, r := range taken {
		if !r.state.CompareAndSwap(stateQueued, stateTaken) {
			continue
		}
		c.requests = append(c.requests, r)
		c.bytes += r.bytes
		if r.batch != nil {
			w.group(r.batch)
			c.records += len(r.batch.Records)
		}
	}
	if len(c.requests) == 0 {
		return nil
	}
	w.number++
	c.batch = l.db.NewBatchWithSize(int(c.bytes) + 4096)
	if w.endsChapter(l, c) {
		w.beginChapter(l, c)
	}
	if c.records > 0 {
		w.chapterBytes += c.bytes
	}
	w.putRecords(c)
	w.putCounts(c)
	w.putTruncations(l, c)
	l.putCommitNumber(c)
	return c
}

// endsChapter tells whether another chapter begins with the commit: if the current one is as large as a
// table, if this run has none, or if space is short and something is truncated, which frees whole
// chapters only.
func (w *committer) endsChapter(l *Log, c *commit) bool {
	if c.records > 0 && (w.chapterBytes < 0 || w.chapterBytes >= l.chapterSize) {
		return true
	}
	truncates := slices.ContainsFunc(c.requests, func(r *request) bool { return r.trunc != nil })
	return truncates && w.chapterBytes != 0 && l.usage.nearlyFull()
}

// group sorts the batch's payloads by partition and adds up its counts.
func (w *committer) group(b *eventlog.Batch) {
	for i := range b.Records {
		p := b.Records[i].Partition
		if len(w.groups[p]) == 0 {
			w.used = append(w.used, p)
		}
		w.groups[p] = append(w.groups[p], b.Records[i].Payload)
	}
	for _, c := range b.Counts {
		w.counts[countID{c.Property, c.Day, c.Reason}] += c.N
	}
}

// putRecords writes the chunks of every partition that has records.
func (w *committer) putRecords(c *commit) {
	for _, p := range w.used {
		payloads := w.groups[p]
		for len(payloads) > 0 {
			n, size := chunkPrefix(payloads)
			w.key = appendChunkKey(w.key[:0], w.chapter, p, w.next[p])
			op := c.batch.SetDeferred(chunkKeyLen, chunkLen(n, size))
			copy(op.Key, w.key)
			putChunk(op.Value, p, w.next[p], c.number, payloads[:n])
			mustFinish(op.Finish())
			w.next[p] += event.Offset(n)
			payloads = payloads[n:]
		}
		clear(w.groups[p])
		w.groups[p] = w.groups[p][:0]
		c.ends = append(c.ends, partitionEnd{p, w.next[p]})
	}
	w.used = w.used[:0]
}

// chunkPrefix returns how many payloads go into the next chunk, and their size.
func chunkPrefix(payloads [][]byte) (n, size int) {
	for n < len(payloads) && (n == 0 || size+len(payloads[n]) <= chunkTarget) {
		size += len(payloads[n])
		n++
	}
	return n, size
}

func (w *committer) putCounts(c *commit) {
	for id, n := range w.counts {
		w.key = id.appendKey(w.key[:0])
		c.counts = append(c.counts, eventlog.Count{
			Property: id.property, Day: id.day, Reason: ownReason(id.reason), N: n,
		})
		op := c.batch.MergeDeferred(len(w.key), 8)
		copy(op.Key, w.key)
		binary.LittleEndian.PutUint64(op.Value, uint64(n))
		mustFinish(op.Finish())
	}
	clear(w.counts)
}

// putTruncations records new starts. What lies before is the reclaimer's.
func (w *committer) putTruncations(l *Log, c *commit) {
	for _, r := range c.requests {
		t := r.trunc
		if t == nil || t.start <= w.starts[t.partition] {
			continue
		}
		w.starts[t.partition] = t.start
		// Readers learn of the new start before chapters go, so that one who
		// finds a hole can tell truncation from damage. If the commit is lost,
		// they were told too early, which the contract allows.
		l.starts[t.partition].Store(uint64(t.start))
		value := binary.LittleEndian.AppendUint64(nil, uint64(t.start))
		mustFinish(c.batch.Set(startKey(t.partition), value, nil))
	}
}

// putCommitNumber closes the batch: the number of the commit, and a line for
// the WAL only that vouches for all commits known durable now (P5).
func (l *Log) putCommitNumber(c *commit) {
	mustFinish(c.batch.Set(commitKey(), binary.LittleEndian.AppendUint64(nil, c.number), nil))
	mustFinish(c.batch.LogData(appendVoucher(nil, l.secret, c.number, l.durable.Load()), nil))
}

// mustFinish is for operations on a batch in memory that cannot fail.
func mustFinish(err error) {
	if err != nil {
		panic("BUG: encode batch: " + err.Error())
	}
}

// drainQueue answers everything that never reached a commit.
func (l *Log) drainQueue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := error(eventlog.ErrClosed)
	if l.failure() != nil {
		err = fmt.Errorf("%w: %w", eventlog.ErrClosed, errFailed)
	}
	l.closing = true
	answerTaken(l.queue, err)
	l.queue, l.queuedBytes = nil, 0
	l.releaseRoomLocked()
}

// answerTaken tells the callers of requests that went into no commit.
func answerTaken(taken []*request, err error) {
	for _, r := range taken {
		if r.state.CompareAndSwap(stateQueued, stateTaken) {
			r.done <- err
		}
	}
}

// answer tells every caller the outcome.
func (c *commit) answer(err error) {
	for _, r := range c.requests {
		r.done <- err
	}
}

var errSync = errors.New("sync of the write-ahead log failed")
