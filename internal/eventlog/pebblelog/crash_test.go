// Crash and fault tests: a scripted run is stopped before every file operation
// that changes something, or that operation fails; what is recovered must agree
// with what callers were told. Bugs that are planted must be found.
package pebblelog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/internal/event"
)

// impatientConfig is for disks that fail: nothing waits long for them.
func impatientConfig() Config {
	cfg := testConfig()
	cfg.CloseWait = 100 * time.Millisecond
	cfg.MaxQueueWait = 50 * time.Millisecond
	cfg.MaxCommitWait = 50 * time.Millisecond
	return cfg
}

// script is one run: the log under test, what is known of it, and the file
// operations it made.
type script struct {
	cfg  Config
	fs   vfs.FS
	bug  plant
	h    *history
	ctx  context.Context
	mu   sync.Mutex
	live *Log // open and not closing: may be read from the hook
}

// run opens, appends one by one, all at once, and large; truncates, closes,
// reopens, and does some of it again. Errors are part of the history.
func (s *script) run() {
	s.session(func(l *Log) {
		for range 4 {
			s.h.send(s.ctx, l, 50)
		}
		s.concurrently(l, 6, 3, 200)
		s.h.truncate(s.ctx, l, 0, 3)
		for range 7 {
			s.h.send(s.ctx, l, 30_000)
		}
		s.h.truncate(s.ctx, l, 1, l.End(1))
		s.concurrently(l, 3, 2, 9_000)
	})
	s.session(func(l *Log) {
		s.h.send(s.ctx, l, 50)
		s.h.truncate(s.ctx, l, 2, l.End(2)/2)
		s.concurrently(l, 4, 2, 5_000)
	})
	// Several chapters, all of them forgotten but for the last, and some more.
	s.session(func(l *Log) {
		for range 6 {
			s.h.send(s.ctx, l, 30_000)
		}
		for p := range event.Partition(s.cfg.Partitions) {
			s.h.truncate(s.ctx, l, p, l.End(p))
		}
		s.concurrently(l, 3, 2, 9_000)
	})
	s.session(func(l *Log) { s.h.send(s.ctx, l, 10) })
}

// session opens the log, runs f and closes it.
func (s *script) session(f func(l *Log)) {
	l, err := open(s.cfg, Deps{FS: s.fs}, s.bug)
	if err != nil {
		return
	}
	s.setLive(l)
	f(l)
	s.setLive(nil)
	_ = l.Close()
}

func (s *script) setLive(l *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = l
}

func (s *script) concurrently(l *Log, senders, rounds, size int) {
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range rounds {
				s.h.send(s.ctx, l, size)
			}
		})
	}
	wg.Wait()
}

// newScript returns a script on a crashable file system; before is called
// before every operation that changes a file or directory, and its error is
// what the operation returns.
func newScript(t testing.TB, bug plant, before func(s *script, op errorfs.Op) error) (*script, *vfs.MemFS) {
	mem := vfs.NewCrashableMem()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &script{cfg: testConfig(), bug: bug, h: newHistory(testConfig().Partitions), ctx: ctx}
	s.fs = crashable{errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
			return nil
		}
		return before(s, op)
	}))}
	return s, mem
}

// recovered opens a log left by a crash and checks it against h, appends to
// it, closes it and checks again.
func recovered(fs vfs.FS, h *history) error {
	for round := range 2 {
		l, err := open(testConfig(), Deps{FS: fs}, plantNothing)
		if err != nil {
			return fmt.Errorf("open %d: %w", round, err)
		}
		err = h.check(l)
		if err == nil && round == 0 {
			h.send(context.Background(), l, 100)
			err = h.check(l)
		}
		if closeErr := l.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("check after open %d: %w", round, err)
		}
	}
	return nil
}

// crashPoint is the file system at one moment and what was known then.
type crashPoint struct {
	name string
	fs   *vfs.MemFS
	h    *history
}

// crashEverywhere runs the script once and keeps a crash of every moment:
// everything unsynced lost, and some of it kept, by seed.
func crashEverywhere(t testing.TB, bug plant, seed uint64) []crashPoint {
	rng := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	var points []crashPoint
	var mem *vfs.MemFS
	keep := func(s *script, name string) {
		// First what is known, then the file system: an answer in between
		// must not be held against it. What is sent in between is unknown.
		h := s.h.copy()
		for _, percent := range []int{0, 50} {
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			points = append(points, crashPoint{fmt.Sprintf("%s, %d %% kept", name, percent), clone, h.copy()})
		}
		all := s.h.copy()
		for i := len(points) - 2; i < len(points); i++ {
			points[i].h.extend(all)
		}
	}
	s, mem2 := newScript(t, bug, func(s *script, op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		s.mu.Lock()
		if s.live != nil && strings.HasSuffix(op.Path, ".log") {
			s.h.readAlong(s.live)
		}
		s.mu.Unlock()
		keep(s, fmt.Sprintf("before operation %d, %v of %s", len(points)/2, op.Kind, op.Path))
		return nil
	})
	mem = mem2
	s.run()
	mu.Lock()
	defer mu.Unlock()
	keep(s, "after the run")
	return points
}

// extend adds what was sent and asked for since the copy, with open outcome.
func (h *history) extend(later *history) {
	for _, b := range later.batches[len(h.batches):] {
		h.batches = append(h.batches, sentBatch{outcome: outcomePending, records: b.records})
	}
	h.asked = append([]event.Offset(nil), later.asked...)
}

// firstViolation checks crash points and returns the first that is wrong.
func firstViolation(points []crashPoint) error {
	for _, p := range points {
		if err := recovered(p.fs, p.h); err != nil {
			return fmt.Errorf("crash %s: %w", p.name, err)
		}
	}
	return nil
}

func TestCrashBeforeEveryFileOperationLosesNothingAcknowledged(t *testing.T) {
	const seed = 1
	points := crashEverywhere(t, plantNothing, seed)
	t.Logf("%d crash points, seed %d", len(points), seed)
	if len(points) < 200 {
		t.Fatalf("the script made only %d crash points", len(points))
	}
	if err := firstViolation(points); err != nil {
		t.Fatal(err)
	}
}

func TestCrashHarnessFindsAcknowledgementBeforeSync(t *testing.T) {
	err := firstViolation(crashEverywhere(t, plantNoSync, 1))
	if err == nil {
		t.Fatal("a log that acknowledges before the sync passed")
	}
	t.Log("found as planted:", err)
}

func TestCrashHarnessFindsReadingBeforeSync(t *testing.T) {
	err := firstViolation(crashEverywhere(t, plantReadUnsynced, 1))
	if err == nil {
		t.Fatal("a log whose readers see unsynced records passed")
	}
	t.Log("found as planted:", err)
}

// never is an operation that no run gets to.
const never = 1 << 30

// faultAt runs the script with an error at operation k, and at all later ones
// too if lasting. It returns how many operations there were, and what is wrong
// with what a power loss right after would leave.
func faultAt(t testing.TB, bug plant, k int, lasting bool) (operations int, violation error) {
	var mu sync.Mutex
	n := 0
	s, mem := newScript(t, bug, func(s *script, op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		if n-1 == k || lasting && n-1 > k {
			return fmt.Errorf("%v of %s: %w", op.Kind, op.Path, errorfs.ErrInjected)
		}
		return nil
	})
	if k != never {
		s.cfg = impatientConfig()
	}
	s.run()
	h := s.h.copy()
	err := recovered(mem.CrashClone(vfs.CrashCloneCfg{}), h)
	mu.Lock()
	defer mu.Unlock()
	return n, err
}

func TestErrorAtEveryFileOperationLosesNothingAcknowledged(t *testing.T) {
	total, err := faultAt(t, plantNothing, never, false)
	if err != nil {
		t.Fatalf("without error: %v", err)
	}
	for k := range total {
		for _, lasting := range []bool{false, true} {
			if _, err := faultAt(t, plantNothing, k, lasting); err != nil {
				t.Errorf("error at operation %d of about %d, lasting %v: %v", k, total, lasting, err)
			}
		}
	}
}
