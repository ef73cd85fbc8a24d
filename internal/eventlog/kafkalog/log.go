// Log: its state, how it opens and closes.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// plant is a bug that a test puts in to see that the suite finds it.
type plant int

const (
	plantNothing       plant = iota
	plantOneAck              // acknowledge when the leader alone has a record
	plantNotIdempotent       // retry without sequence numbers
)

// Log is an event log in topics of a Kafka cluster.
type Log struct {
	cfg       Config
	logger    *slog.Logger
	telemetry *telemetry
	plant     plant

	producer *kgo.Client
	reader   *kgo.Client // follows and fetches; nil if append only
	admin    *kadm.Client
	topicID  [16]byte

	slots   []*slot // one per partition, then that of the counts
	sums    *sums
	saver   *saver
	savesOf func(event.Partition) bool
	queue   queue

	// broken is a partition that takes no records, for tests; -1 is none.
	broken atomic.Int32

	stop    context.CancelFunc // ends follower and saver
	running sync.WaitGroup

	waitMu  sync.Mutex
	advance chan struct{} // closed when ends move or the log ends; nil if nobody waits

	gate    sync.RWMutex // held for reading by all that use the clients
	closing chan struct{}
	once    sync.Once
	closed  atomic.Bool

	cause  atomic.Pointer[error]
	failed chan struct{} // closed with the first cause
}

// Open connects, checks the topics or makes them, and reads the counts that
// were not saved. ctx is for opening only.
func Open(ctx context.Context, cfg Config, deps Deps) (*Log, error) {
	return open(ctx, cfg, deps, plantNothing)
}

func open(ctx context.Context, cfg Config, deps Deps, bug plant) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open event log on kafka: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.OpenTimeout)
	defer cancel()
	l, err := newLog(cfg, deps.withDefaults(), bug)
	if err != nil {
		return nil, fmt.Errorf("open event log on kafka: %w", err)
	}
	if err := l.start(ctx, deps.withDefaults()); err != nil {
		l.abort()
		return nil, fmt.Errorf("open event log on kafka: %w", err)
	}
	return l, nil
}

func newLog(cfg Config, deps Deps, bug plant) (*Log, error) {
	l := &Log{
		cfg: cfg, logger: deps.Logger, plant: bug, savesOf: deps.Saves,
		sums: newSums(), saver: newSaver(), closing: make(chan struct{}), failed: make(chan struct{}),
		stop: func() {},
	}
	l.broken.Store(-1)
	l.queue.limit = cfg.MaxQueueBytes
	for p := range cfg.Partitions {
		l.slots = append(l.slots, &slot{index: p, topic: cfg.Topic, partition: int32(p)})
	}
	l.slots = append(l.slots, &slot{index: cfg.Partitions, topic: cfg.Topic + countsSuffix})
	t, err := newTelemetry(deps.Registerer, l)
	if err != nil {
		return nil, err
	}
	l.telemetry = t
	return l, nil
}

// start does what needs brokers.
func (l *Log) start(ctx context.Context, deps Deps) error {
	shared, err := clientOptions(l.cfg, deps)
	if err != nil {
		return err
	}
	producer, err := kgo.NewClient(append(l.producerOptions(), shared...)...)
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	l.producer, l.admin = producer, kadm.NewClient(producer)
	if err := l.ensureTopics(ctx); err != nil {
		return err
	}
	// The base first: all offsets that are asked for are of the log.
	if !l.cfg.AppendOnly {
		if err := l.loadSums(ctx, shared); err != nil {
			return err
		}
	}
	first, last, err := l.bounds(ctx)
	if err != nil {
		return err
	}
	if l.cfg.AppendOnly {
		for i, s := range l.slots {
			s.start.Store(uint64(first[i]))
			s.end.Store(uint64(last[i]))
		}
		return nil
	}
	for i, s := range l.slots {
		if err := l.begin(s, first[i], last[i]); err != nil {
			return err
		}
	}
	return l.follow(ctx, shared, last)
}

// begin sets s to where its saved sums end.
func (l *Log) begin(s *slot, first, last event.Offset) error {
	switch {
	case s.saved < first && !l.cfg.ForgetLostCounts:
		return fmt.Errorf("%s partition %d begins at %d, but counts are saved only below %d: %w: kafka deleted records before they were counted; "+
			"lengthen its retention, and open the log with forget_lost_counts once to go on without those counts",
			s.topic, s.partition, first, s.saved, eventlog.ErrTruncated)
	case s.saved < first:
		l.logger.Warn("counts of records that kafka deleted are lost",
			"partition", s.index, "from", s.saved, "to", first)
		s.saved = first
	case s.saved > last:
		return fmt.Errorf("%s partition %d ends at %d, but counts are saved below %d: %w: the topic was made again, or brokers lost records",
			s.topic, s.partition, last, s.saved, eventlog.ErrCorrupt)
	}
	s.start.Store(uint64(first))
	s.end.Store(uint64(s.saved))
	s.tail.reset(s.saved)
	return nil
}

// Partitions returns the number of partitions.
func (l *Log) Partitions() int { return l.cfg.Partitions }

// End returns the offset of the next record of p, as far as this program
// knows: records of others come a moment after they are durable.
func (l *Log) End(p event.Partition) event.Offset { return event.Offset(l.slots[p].end.Load()) }

// Start returns the oldest offset of p.
func (l *Log) Start(p event.Partition) event.Offset { return event.Offset(l.slots[p].start.Load()) }

// enter lets a caller use the clients until it calls release.
func (l *Log) enter() (release func(), err error) {
	l.gate.RLock()
	if l.closed.Load() {
		l.gate.RUnlock()
		return nil, eventlog.ErrClosed
	}
	return l.gate.RUnlock, nil
}

// enterReader is enter for what an append-only log does not do.
func (l *Log) enterReader() (release func(), err error) {
	if l.cfg.AppendOnly {
		return nil, errAppendOnly
	}
	return l.enter()
}

// fail notes that the log cannot be read any more; appending goes on.
func (l *Log) fail(err error) {
	if l.cause.CompareAndSwap(nil, &err) {
		close(l.failed)
		l.telemetry.failed.Set(1)
		l.logger.Error("event log can no longer be followed", "error", err)
		l.wakeWaiters()
	}
}

// Failed is closed when the log can no longer be followed: it must be opened again.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Identity names the topic as it was made: one that is made again under the same name has
// another. Offsets are of one of them only, and of one base.
func (l *Log) Identity() string {
	return fmt.Sprintf("kafka topic %s %x", l.cfg.Topic, l.topicID) + l.identityOfBase()
}

// Err returns why the log can no longer be followed, or nil.
func (l *Log) Err() error {
	if p := l.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// Close waits for appends under way, for a bounded time, saves the sums and
// releases everything. A second Close does nothing.
func (l *Log) Close() error {
	var err error
	l.once.Do(func() {
		l.closed.Store(true) // Nobody comes in any more.
		close(l.closing)
		ctx, cancel := context.WithTimeout(context.Background(), l.cfg.CloseWait)
		defer cancel()
		if e := l.producer.Flush(ctx); e != nil {
			err = fmt.Errorf("close event log: appends under way: %w: %w", eventlog.ErrUnknown, e)
		}
		if !l.cfg.AppendOnly && l.Err() == nil {
			err = errors.Join(err, l.saveAll(ctx))
		}
		l.abort()
	})
	return err
}

// abort releases everything and waits for nobody but its own goroutines.
func (l *Log) abort() {
	l.closed.Store(true)
	l.stop()
	l.wakeWaiters()
	for _, c := range []*kgo.Client{l.producer, l.reader} {
		if c != nil {
			c.Close()
		}
	}
	l.gate.Lock()
	//lint:ignore SA2001 the empty section is the point: it waits for those inside, whose requests end now.
	l.gate.Unlock()
	l.running.Wait()
	l.telemetry.unregister()
}
