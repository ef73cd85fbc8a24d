// A far log that fails as the test says, and what the tests ask of it.
package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

const partitions = 4

// farTimeout is how long the fake waits for brokers that do not answer.
const farTimeout = 10 * time.Second

// fault is what the far log makes of an append.
type fault int

const (
	faultNone        fault = iota
	faultFull              // nothing kept
	faultUnknownKept       // kept, and not said
	faultUnknownGone       // not kept, and not said
	faultPartial           // the first record of each partition is kept with its counts, the rest is not
	faultPartUnknown       // the same, and the rest has an unknown outcome
	faultHang              // no answer until somebody gives up; kept
	faultForbidden         // an error of no known kind, nothing kept
)

func allFaults() []fault {
	return []fault{faultFull, faultUnknownKept, faultUnknownGone, faultPartial, faultPartUnknown, faultHang, faultForbidden}
}

// world is what outlives the process: the records of the far log, and what it
// counted.
type world struct {
	mu      sync.Mutex
	records [partitions][]string
	sums    map[eventlog.Count]int64 // without N and partition
}

func newWorld() *world { return &world{sums: map[eventlog.Count]int64{}} }

// take keeps the first records of each partition, at most `most`, and the counts
// that ride with them.
func (w *world) take(b *eventlog.Batch, most int) (durable, counted []bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	durable, counted = make([]bool, len(b.Records)), make([]bool, len(b.Counts))
	var had [partitions]int
	for i, r := range b.Records {
		if had[r.Partition]++; had[r.Partition] <= most {
			w.records[r.Partition] = append(w.records[r.Partition], textOf(r.Payload))
			durable[i] = true
		}
	}
	for i, c := range b.Counts { // The first record of every partition is durable.
		if counted[i] = c.Record == 0 || durable[c.Record-1]; counted[i] {
			w.sums[eventlog.Count{Property: c.Property, Day: c.Day, Reason: c.Reason}] += c.N
		}
	}
	return durable, counted
}

// textOf returns the key of an event; other payloads are texts themselves.
func textOf(payload []byte) string {
	var r event.Record
	if r.UnmarshalVT(payload) == nil && r.GetEvent() != nil {
		return r.GetEvent().GetKey()
	}
	return string(payload)
}

// eventRecord makes an event of property 1 with a key.
func eventRecord(p event.Partition, key string, at event.Time) eventlog.Record {
	payload, err := (&event.Record{Kind: &event.Record_Event{
		Event: &event.Event{Property: 1, Key: key, IngestTime: int64(at)},
	}}).MarshalVT()
	if err != nil {
		panic(err)
	}
	return eventlog.Record{Partition: p, Payload: payload}
}

func (w *world) read(p event.Partition) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.records[p])
}

func (w *world) sum(id event.PropertyID, why event.RefuseReason) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n int64
	for c, sum := range w.sums {
		if c.Property == id && c.Reason == why {
			n += sum
		}
	}
	return n
}

// fakeFar is one process's connection to the world.
type fakeFar struct {
	eventlog.Log // never used
	world        *world

	mu     sync.Mutex
	fault  func(b *eventlog.Batch) fault
	most   int // bytes of a batch that is not invalid; 0: no bound
	dead   bool
	calls  int
	closed bool
}

func newFar(w *world) *fakeFar {
	return &fakeFar{world: w, fault: func(*eventlog.Batch) fault { return faultNone }}
}

func (f *fakeFar) set(what fault) { f.setFunc(func(*eventlog.Batch) fault { return what }) }

func (f *fakeFar) setFunc(what func(*eventlog.Batch) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = what
}

func (f *fakeFar) appends() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeFar) Partitions() int                            { return partitions }
func (f *fakeFar) Start(event.Partition) event.Offset         { return 0 }
func (f *fakeFar) End(p event.Partition) event.Offset         { return event.Offset(len(f.world.read(p))) }
func (f *fakeFar) open(context.Context) (eventlog.Log, error) { return f, nil }

func (f *fakeFar) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// kill cuts the process off: what it appends from now on never comes.
func (f *fakeFar) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
}

var errForbidden = errors.New("not authorized")

func (f *fakeFar) Append(ctx context.Context, b *eventlog.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.dead {
		return eventlog.ErrClosed
	}
	bytes := 0
	for _, r := range b.Records {
		bytes += len(r.Payload)
	}
	if f.most > 0 && bytes > f.most {
		return fmt.Errorf("%d bytes: %w", bytes, eventlog.ErrInvalid)
	}
	const all = 1 << 30
	switch f.fault(b) {
	case faultFull:
		return eventlog.ErrFull
	case faultUnknownGone:
		return fmt.Errorf("no answer: %w", eventlog.ErrUnknown)
	case faultUnknownKept:
		f.world.take(b, all)
		return fmt.Errorf("no answer: %w", eventlog.ErrUnknown)
	case faultPartial, faultPartUnknown:
		durable, counted := f.world.take(b, 1)
		err := error(eventlog.ErrFull)
		if f.fault(b) == faultPartUnknown {
			err = eventlog.ErrUnknown
		}
		return &eventlog.PartialError{Durable: durable, Counted: counted, Err: err}
	case faultHang:
		f.mu.Unlock()
		timer := time.NewTimer(farTimeout)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		f.mu.Lock()
		f.world.take(b, all)
		return fmt.Errorf("no answer in time: %w", eventlog.ErrUnknown)
	case faultForbidden:
		return errForbidden
	}
	f.world.take(b, all)
	return nil
}

// testConfig waits for nothing long.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Partitions = partitions
	cfg.AsideDir = "aside"
	return cfg
}

func nearLog() eventlog.Log { return memlog.New(memlog.Config{Partitions: partitions}) }

// mustOpen opens a spool that the test closes.
func mustOpen(t testing.TB, cfg Config, deps Deps, bug plant) *Spool {
	t.Helper()
	s, err := open(cfg, deps, bug)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await waits for a condition; without deadline of its own, for tests that run
// under a clock that is not real.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline, again := time.NewTimer(2*time.Minute), time.NewTicker(time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("%s: it never came", what)
		}
	}
}

func allFar(s *Spool) func() bool {
	return func() bool { return s.State().Near == 0 }
}

func drained(s *Spool) func() bool {
	return func() bool { return s.State().Frames == 0 && s.State().FarOpen }
}

// one makes a batch of one property-1 event for each text, counted.
func one(p event.Partition, texts ...string) *eventlog.Batch {
	b := &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, Partition: p, N: int64(len(texts))}}}
	for _, text := range texts {
		b.Records = append(b.Records, eventRecord(p, text, 0))
	}
	return b
}

func mustAppend(t testing.TB, s *Spool, b *eventlog.Batch) {
	t.Helper()
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// firsts drops copies, as the fold does by event key.
func firsts(all []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool {
		defer func() { seen[s] = true }()
		return seen[s]
	})
}
