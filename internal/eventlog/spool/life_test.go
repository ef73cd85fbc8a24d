// Lives of a collector: senders, a far log that fails by chance, power cuts and
// restarts. In the end the far log has what was acknowledged, in order, and has
// counted what it has. Bugs that are planted must be found.
package spool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/pebblelog"
)

// life is one run, from a seed.
type life struct {
	bug   plant
	world *world

	mu       sync.Mutex
	rng      *rand.Rand
	sent     map[string]bool
	acked    []string // texts, in the order of their senders' answers
	refusals int64    // acknowledged
	answers  int      // of this process
	fs       *vfs.MemFS
}

const senders = 6

// crashable is a file system whose ReuseForWrite is made of other operations: that
// of MemFS takes the lock against CrashClone twice.
type crashable struct{ vfs.FS }

func (fs crashable) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return fs.OpenReadWrite(newname, category)
}

func (l *life) chance(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.IntN(n)
}

// openNear opens the near log that the last process left.
func (l *life) openNear() (eventlog.Log, error) {
	cfg := pebblelog.DefaultConfig()
	cfg.Dir, cfg.Partitions = "spool", partitions
	cfg.MemTableBytes, cfg.CacheBytes = 256<<10, 1<<20
	return pebblelog.Open(cfg, pebblelog.Deps{FS: crashable{l.fs}})
}

// process runs until a power cut, or until it closes in good order.
func (l *life) process(t *testing.T, cut bool) error {
	near, err := l.openNear()
	if err != nil {
		return err
	}
	far := newFar(l.world)
	far.setFunc(l.weather())
	cfg := testConfig()
	cfg.MaxFarWait, cfg.MaxHandoverWait, cfg.MinRetry, cfg.MaxRetry = 5*time.Millisecond, 2*time.Millisecond, time.Millisecond, 2*time.Millisecond
	cfg.ForwardBytes, cfg.CloseWait = 400, 50*time.Millisecond
	s, err := open(cfg, Deps{Near: near, OpenFar: far.open, SetAside: refuseAside}, l.bug)
	if err != nil {
		return errors.Join(err, near.Close())
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	l.mu.Lock()
	l.answers = 0
	l.mu.Unlock()
	for sender := range senders {
		group.Go(func() { l.send(ctx, s, sender) })
	}
	most := 30 + l.chance(200)
	await(t, "answers", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.answers >= most
	})
	if cut {
		far.kill()
		// First what is known, then the disk: an answer in between must not be
		// held against it.
		l.mu.Lock()
		known, refusals := append([]string(nil), l.acked...), l.refusals
		l.mu.Unlock()
		l.fs = l.fs.CrashClone(vfs.CrashCloneCfg{})
		stop()
		group.Wait()
		l.acked, l.refusals = known, refusals
	} else {
		far.set(faultNone)
		stop()
		group.Wait()
	}
	return s.Close()
}

// refuseAside: nothing of a life is too large.
func refuseAside(name string, _ []byte) error { return fmt.Errorf("%s is set aside", name) }

// weather makes the far log fail for a while, or for one partition, or now and then.
func (l *life) weather() func(*eventlog.Batch) fault {
	faults := allFaults()
	kind, one, left := fault(0), 0, 0
	return func(b *eventlog.Batch) fault {
		if left--; left < 0 {
			left, kind, one = l.chance(40), faultNone, l.chance(3*partitions)
			if l.chance(2) == 0 {
				kind = faults[l.chance(len(faults))]
			}
		}
		if one < partitions && len(b.Records) > 0 && int(b.Records[0].Partition) != one {
			return faultNone
		}
		return kind
	}
}

// send appends batches of one sender, one after the other's answer.
func (l *life) send(ctx context.Context, s *Spool, sender int) {
	for ctx.Err() == nil {
		b := &eventlog.Batch{}
		var texts []string
		p := event.Partition(sender % partitions)
		for range 1 + l.chance(4) {
			if l.chance(5) == 0 {
				p = event.Partition(l.chance(partitions))
			}
			l.mu.Lock()
			text := fmt.Sprintf("%d %d", sender, len(l.sent))
			l.sent[text] = true
			l.mu.Unlock()
			texts = append(texts, fmt.Sprintf("%d/%s", p, text))
			b.Records = append(b.Records, eventRecord(p, text, event.TimeOf(time.Now())))
			b.Counts = countOne(b.Counts, p)
		}
		refused := int64(l.chance(2))
		if refused > 0 {
			b.Counts = append(b.Counts, eventlog.Count{Property: 1, Reason: event.RefuseNoName, N: refused, Partition: 0})
		}
		err := s.Append(ctx, b)
		l.mu.Lock()
		l.answers++
		if err == nil {
			l.acked = append(l.acked, texts...)
			l.refusals += refused
		}
		l.mu.Unlock()
	}
}

// countOne counts an accepted event, as a collector does.
func countOne(counts []eventlog.Count, p event.Partition) []eventlog.Count {
	for i := range counts {
		if counts[i].Partition == p {
			counts[i].N++
			return counts
		}
	}
	return append(counts, eventlog.Count{Property: 1, Partition: p, N: 1})
}

// check holds the far log against what was acknowledged.
func (l *life) check() error {
	copies := 0
	place := map[string]int{} // of the first copy of partition/text
	for p := range event.Partition(partitions) {
		all := l.world.read(p)
		copies += len(all)
		for i, text := range all {
			if !l.sent[text] {
				return fmt.Errorf("partition %d has %q, which nobody sent", p, text)
			}
			key := fmt.Sprintf("%d/%s", p, text)
			if _, ok := place[key]; !ok {
				place[key] = i
			}
		}
	}
	last := map[[2]int]int{} // place of a sender's last one in a partition
	for _, key := range l.acked {
		at, ok := place[key]
		if !ok {
			return fmt.Errorf("%q was acknowledged and is lost", key)
		}
		var p, sender, n int
		if _, err := fmt.Sscanf(key, "%d/%d %d", &p, &sender, &n); err != nil {
			return err
		}
		of := [2]int{p, sender}
		if before, ok := last[of]; ok && at < before {
			return fmt.Errorf("%q is at %d, before what its sender sent first, at %d", key, at, before)
		}
		last[of] = at
	}
	if n := l.world.sum(1, ""); n != int64(copies) {
		return fmt.Errorf("%d events are counted, %d are there", n, copies)
	}
	if n := l.world.sum(1, event.RefuseNoName); n < l.refusals {
		return fmt.Errorf("%d refusals are counted, %d were acknowledged", n, l.refusals)
	}
	return nil
}

// live plays one life and returns what is wrong with it.
func live(t *testing.T, seed uint64, bug plant) error {
	l := &life{bug: bug, world: newWorld(), rng: rand.New(rand.NewPCG(seed, 0)), sent: map[string]bool{}, fs: vfs.NewCrashableMem()}
	for range 3 {
		if err := l.process(t, true); err != nil && !errors.Is(err, eventlog.ErrClosed) {
			return err
		}
	}
	if err := l.process(t, false); err != nil {
		return err
	}
	// What is left is forwarded by one that nothing happens to.
	near, err := l.openNear()
	if err != nil {
		return err
	}
	s, err := open(testConfig(), Deps{Near: near, OpenFar: newFar(l.world).open, SetAside: refuseAside}, plantNothing)
	if err != nil {
		return err
	}
	await(t, fmt.Sprintf("drain after seed %d", seed), drained(s))
	return errors.Join(s.Close(), l.check())
}

// TestLivesKeepEveryPromise: TIDEMARK_SPOOL_SEED=n plays one again.
func TestLivesKeepEveryPromise(t *testing.T) {
	first, lives := uint64(1), uint64(25)
	if text := os.Getenv("TIDEMARK_SPOOL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, lives = seed, 1
	}
	for seed := first; seed < first+lives; seed++ {
		if err := live(t, seed, plantNothing); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestPlantedBugsAreFound(t *testing.T) {
	for name, bug := range map[string]plant{
		"frames leave the near log first":            plantMoveFirst,
		"a lane turns back while it has frames":      plantOvertake,
		"a lane turns back while appends are coming": plantNoWaiting,
		"counts are dropped":                         plantDropCounts,
		"an unknown outcome is a good one":           plantForgetUnknown,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 60; seed++ {
				if err := live(t, seed, bug); err != nil {
					t.Logf("found with seed %d: %v", seed, err)
					return
				}
			}
			t.Error("no life went wrong")
		})
	}
}
