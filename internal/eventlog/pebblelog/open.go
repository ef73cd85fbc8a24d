// Open: find or make the log, and learn where each partition begins and ends.
package pebblelog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// formatVersion is the version of everything in docs/format/log.md.
//
// Version 2 has keys in the order of time (chapters.go) and what changes with each commit behind
// the chunks.
const formatVersion = 2

// metaLen is version u32, partitions u32, secret u64.
const metaLen = 16

// Open opens the log in cfg.Dir, or makes it.
func Open(cfg Config, deps Deps) (*Log, error) { return open(cfg, deps, plantNothing) }

func open(cfg Config, deps Deps, bug plant) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure event log: %w", err)
	}
	deps = deps.withDefaults()
	l := &Log{
		cfg:      cfg,
		logger:   deps.Logger,
		plant:    bug,
		ends:     make([]atomic.Uint64, cfg.Partitions),
		starts:   make([]atomic.Uint64, cfg.Partitions),
		kept:     make([]atomic.Uint64, cfg.Partitions),
		work:     make(chan struct{}, 1),
		slots:    make(chan struct{}, pipelineDepth),
		inflight: make(chan *commit, pipelineDepth),
		stopped:  make(chan struct{}),
		failed:   make(chan struct{}),
		fatal:    make(chan struct{}),
		writer: committer{
			next:   make([]event.Offset, cfg.Partitions),
			starts: make([]event.Offset, cfg.Partitions),
			groups: make([][][]byte, cfg.Partitions),
			counts: make(map[countID]int64),

			chapterBytes: -1,
		},
	}
	l.fs = l.wrapFS(deps.FS)
	l.requests, l.sums = new(sync.Pool), newSums()
	l.usage, l.reclaimer = &usage{l: l}, newReclaimer(l)
	l.maxCommit = l.bounded(cfg.MaxCommitBytes)
	l.chapterSize = l.bounded(cfg.MemTableBytes)
	var err error
	if l.telemetry, err = newTelemetry(deps.Registerer, l); err != nil {
		return nil, fmt.Errorf("register event log telemetry: %w", err)
	}
	if err := l.recover(); err != nil {
		l.telemetry.unregister()
		return nil, fmt.Errorf("open event log %s: %w", cfg.Dir, err)
	}
	l.start()
	return l, nil
}

// start lets appends in.
func (l *Log) start() {
	l.reclaimer.wake()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		l.finishLoop()
	}()
	go func() {
		defer close(l.stopped)
		defer func() { <-finished }()
		l.commitLoop()
	}()
}

// recover opens the database and reads the state of every partition.
func (l *Log) recover() error {
	if err := l.checkWAL(); err != nil {
		return err
	}
	err := l.isolate(func() error {
		db, err := pebble.Open(l.cfg.Dir, l.pebbleOptions())
		l.db = db
		l.opened.Store(err == nil)
		return asCorrupt(err)
	})
	if err != nil {
		return err
	}
	// The WAL hides its errors from Pebble; ask it.
	err = l.isolate(func() error {
		l.usage.measure()
		return l.recoverState()
	})
	if err := errors.Join(err, l.failure()); err != nil {
		return errors.Join(err, l.abandonDB())
	}
	return nil
}

func (l *Log) recoverState() error {
	if err := l.recoverMeta(); err != nil {
		return err
	}
	number, _, err := l.getUint64(commitKey())
	if err != nil {
		return fmt.Errorf("read commit number: %w", err)
	}
	if err := l.recoverChapters(); err != nil {
		return fmt.Errorf("find chapters: %w", err)
	}
	l.writer.number = number
	l.durable.Store(number)
	l.begun.Store(number)
	for p := range l.cfg.Partitions {
		if err := l.recoverPartition(event.Partition(p)); err != nil {
			return err
		}
	}
	if err := l.recoverSums(); err != nil {
		return err
	}
	return l.checkHighWater()
}

// meta is what was fixed at creation.
type meta struct {
	version    uint32
	partitions uint32
	secret     uint64 // key of the vouchers
}

func (l *Log) readMeta() (m meta, found bool, err error) {
	value, closer, err := l.db.Get(metaKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return meta{}, false, nil
	}
	if err != nil {
		return meta{}, false, fmt.Errorf("read meta: %w", asCorrupt(err))
	}
	defer func() { _ = closer.Close() }()
	if len(value) != metaLen {
		return meta{}, false, fmt.Errorf("meta has %d bytes: %w", len(value), eventlog.ErrCorrupt)
	}
	return meta{
		version:    binary.LittleEndian.Uint32(value),
		partitions: binary.LittleEndian.Uint32(value[4:]),
		secret:     binary.LittleEndian.Uint64(value[8:]),
	}, true, nil
}

// recoverMeta checks what was fixed at creation, or fixes it now.
func (l *Log) recoverMeta() error {
	m, found, err := l.readMeta()
	if err != nil {
		return err
	}
	if !found {
		return l.create()
	}
	if m.version < 1 || m.version > formatVersion {
		return fmt.Errorf("log has format version %d, this program reads 1 to %d", m.version, formatVersion)
	}
	if int(m.partitions) != l.cfg.Partitions {
		return fmt.Errorf("log has %d partitions, configuration says %d: the number is fixed at creation",
			m.partitions, l.cfg.Partitions)
	}
	l.secret = m.secret
	if m.version == 1 {
		return l.upgrade(m)
	}
	return nil
}

// create writes the meta key into an empty database. A crash before it is
// synced leaves an empty database, which the next Open finds again.
func (l *Log) create() error {
	it, err := l.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("look for keys: %w", asCorrupt(err))
	}
	found := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("look for keys: %w", asCorrupt(err))
	}
	if found {
		return fmt.Errorf("database has keys but no meta key: %w", eventlog.ErrCorrupt)
	}
	l.secret = newSecret()
	b := l.db.NewBatch()
	defer func() { _ = b.Close() }()
	mustFinish(b.Set(metaKey(), l.encodeMeta(), nil))
	for p, offset := range l.cfg.Begin {
		mustFinish(b.Set(startKey(event.Partition(p)), binary.LittleEndian.AppendUint64(nil, uint64(offset)), nil))
	}
	if err := l.applySynced(b); err != nil {
		return fmt.Errorf("write meta: %w", err)
	}
	return nil
}

func (l *Log) encodeMeta() []byte {
	value := binary.LittleEndian.AppendUint32(nil, formatVersion)
	value = binary.LittleEndian.AppendUint32(value, uint32(l.cfg.Partitions))
	return binary.LittleEndian.AppendUint64(value, l.secret)
}

// applySynced is for batches of Open; those of the committer are pipelined.
func (l *Log) applySynced(b *pebble.Batch) error {
	if err := l.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return err
	}
	return b.SyncWait()
}

// recoverPartition learns where p begins and ends. The end is after the last chunk of the last
// chapter, or where p stood when that began.
func (l *Log) recoverPartition(p event.Partition) error {
	start, _, err := l.getUint64(startKey(p))
	if err != nil {
		return fmt.Errorf("read start of partition %d: %w", p, err)
	}
	end := event.Offset(start)
	if n := len(l.chapters.all); n > 0 {
		if first := l.chapters.all[0].starts[p]; first > end {
			return fmt.Errorf("partition %d starts at %d, its first chapter at %d: %w", p, end, first, eventlog.ErrCorrupt)
		}
		last, err := l.endIn(l.chapters.all[n-1], p)
		if err != nil {
			return fmt.Errorf("read end of partition %d: %w", p, err)
		}
		end = max(end, last)
	}
	l.starts[p].Store(start)
	l.kept[p].Store(start)
	l.ends[p].Store(uint64(end))
	l.writer.starts[p] = event.Offset(start)
	l.writer.next[p] = end
	return nil
}

// endIn returns where p ends in a chapter.
func (l *Log) endIn(ch chapter, p event.Partition) (event.Offset, error) {
	lower, upper := chunkBounds(ch.number, p)
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return 0, asCorrupt(err)
	}
	defer func() { _ = it.Close() }()
	if !it.Last() {
		return ch.starts[p], asCorrupt(it.Error())
	}
	c, err := currentChunk(it)
	if err != nil {
		return 0, asCorrupt(err)
	}
	if c.commit > l.writer.number {
		return 0, fmt.Errorf("chunk of commit %d, the last commit is %d: %w", c.commit, l.writer.number, eventlog.ErrCorrupt)
	}
	return c.endOffset(), nil
}

func newSecret() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

func (l *Log) getUint64(key []byte) (n uint64, found bool, err error) {
	value, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, asCorrupt(err)
	}
	defer func() { _ = closer.Close() }()
	if len(value) != 8 {
		return 0, false, fmt.Errorf("value of %d bytes: %w", len(value), eventlog.ErrCorrupt)
	}
	return binary.LittleEndian.Uint64(value), true, nil
}
