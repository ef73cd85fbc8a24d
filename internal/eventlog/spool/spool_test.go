// What a spool does when the far log fails, step by step, under a clock that
// stands still while somebody works.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

// played is a spool over a fake far log, inside a bubble.
type played struct {
	*Spool
	far   *fakeFar
	world *world
	aside map[string]string
}

func play(t *testing.T, change func(*Config, *Deps), test func(t *testing.T, s *played)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := &played{far: newFar(w), world: w, aside: map[string]string{}}
		cfg, deps := testConfig(), Deps{Near: nearLog(), OpenFar: s.far.open}
		deps.SetAside = func(name string, frame []byte) error { s.aside[name] = string(frame); return nil }
		if change != nil {
			change(&cfg, &deps)
		}
		s.Spool = mustOpen(t, cfg, deps, plantNothing)
		synctest.Wait()
		test(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func (s *played) want(t *testing.T, p event.Partition, want ...string) {
	t.Helper()
	if got := s.world.read(p); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("partition %d has %q, want %q", p, got, want)
	}
}

func TestAFarLogThatWorksGetsEverythingAtOnce(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		mustAppend(t, s.Spool, one(1, "a", "b"))
		s.want(t, 1, "a", "b")
		if used := s.near.End(1); used != 0 || s.Degraded() != "" {
			t.Errorf("%d frames were spooled; degraded: %q", used, s.Degraded())
		}
	})
}

// TestEveryFaultIsAnsweredWithSuccessAndForwardedInOrder: whatever the far log
// says or does not say, all is there in the end, in order, and counted as often as
// it is there.
func TestEveryFaultIsAnsweredWithSuccessAndForwardedInOrder(t *testing.T) {
	for _, f := range allFaults() {
		t.Run(fmt.Sprint("fault ", f), func(t *testing.T) {
			play(t, nil, func(t *testing.T, s *played) {
				mustAppend(t, s.Spool, one(1, "a1", "a2"))
				s.far.set(f)
				mustAppend(t, s.Spool, one(1, "b1", "b2"))
				calls := s.far.appends()
				mustAppend(t, s.Spool, one(1, "c1", "c2"))
				mustAppend(t, s.Spool, one(2, "d1"))
				if f == faultHang && s.far.appends() != calls {
					t.Error("an append waited for a far log that does not answer")
				}
				s.far.set(faultNone)
				await(t, "drain", drained(s.Spool))
				s.checkAfterFault(t, f)
			})
		})
	}
}

func (s *played) checkAfterFault(t *testing.T, f fault) {
	t.Helper()
	all := s.world.read(1)
	if got, want := fmt.Sprint(firsts(all)), "[a1 a2 b1 b2 c1 c2]"; got != want {
		t.Errorf("partition 1 has first copies %s of %v, want %s", got, all, want)
	}
	if got, want := s.world.sum(1, ""), int64(len(all)+len(s.world.read(2))); got != want {
		t.Errorf("%d are counted, %d are there", got, want)
	}
	if f == faultFull || f == faultPartial || f == faultForbidden || f == faultUnknownGone {
		s.want(t, 1, "a1", "a2", "b1", "b2", "c1", "c2")
	}
}

func TestOnlyOneAppendWaitsForAFarLogThatHangs(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.set(faultHang)
		begin := time.Now()
		mustAppend(t, s.Spool, one(1, "a"))
		if waited := time.Since(begin); waited != s.cfg.MaxFarWait {
			t.Errorf("the first waited %v, want %v", waited, s.cfg.MaxFarWait)
		}
		synctest.Wait() // Nothing has proved that the others' part works.
		begin = time.Now()
		for p := range event.Partition(partitions) {
			mustAppend(t, s.Spool, one(p, "b"))
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("those after it waited %v", waited)
		}
	})
}

func TestBrokersAreAwayWhenTheCollectorStarts(t *testing.T) {
	away := true
	play(t, func(_ *Config, d *Deps) {
		open := d.OpenFar
		d.OpenFar = func(ctx context.Context) (eventlog.Log, error) {
			if away {
				return nil, errors.New("no broker answers")
			}
			return open(ctx)
		}
	}, func(t *testing.T, s *played) {
		mustAppend(t, s.Spool, one(0, "a"))
		if st := s.State(); st.FarOpen || st.Frames != 1 || st.Near != partitions || s.Degraded() == "" {
			t.Errorf("state %+v, degraded %q", st, s.Degraded())
		}
		away = false
		await(t, "all lanes turn", func() bool { return s.State().FarOpen && s.State().Frames == 0 })
		mustAppend(t, s.Spool, one(0, "b"))
		await(t, "drain", drained(s.Spool))
		s.want(t, 0, "a", "b")
		if s.Degraded() != "" {
			t.Errorf("degraded: %q", s.Degraded())
		}
	})
}

// TestOnePartitionAwayLeavesTheOthersAlone: they are back with their next append.
func TestOnePartitionAwayLeavesTheOthersAlone(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.setFunc(func(b *eventlog.Batch) fault {
			for _, r := range b.Records {
				if r.Partition == 1 {
					return faultFull
				}
			}
			return faultNone
		})
		mustAppend(t, s.Spool, one(1, "a"))
		for _, p := range []event.Partition{0, 2, 3} {
			mustAppend(t, s.Spool, one(p, "b"))
		}
		await(t, "the others turn back", func() bool { return s.State().Near == 1 })
		mustAppend(t, s.Spool, one(2, "c"))
		s.want(t, 2, "b", "c")
		s.want(t, 1)
		both := &eventlog.Batch{Records: []eventlog.Record{{Partition: 2, Payload: []byte("d")}, {Partition: 1, Payload: []byte("d")}}}
		mustAppend(t, s.Spool, both)
		s.want(t, 2, "b", "c", "d")
		s.far.set(faultNone)
		await(t, "drain", drained(s.Spool))
		s.want(t, 1, "a", "d")
	})
}

// TestRefusalsWithoutEventsAreForwardedS33: a frame need not have a record.
func TestRefusalsWithoutEventsAreForwardedS33(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.set(faultFull)
		for range 3 {
			mustAppend(t, s.Spool, &eventlog.Batch{Counts: []eventlog.Count{
				{Property: 7, Day: 3, Reason: event.RefuseNoName, N: 2}, {Property: 8, N: 1, Partition: 3}}})
		}
		s.far.set(faultNone)
		await(t, "drain", drained(s.Spool))
		if a, b := s.world.sum(7, event.RefuseNoName), s.world.sum(8, ""); a != 6 || b != 3 {
			t.Errorf("%d and %d are counted, want 6 and 3", a, b)
		}
	})
}

// TestWhatIsNeverTakenIsSetAside: it blocks nothing, and is not lost.
func TestWhatIsNeverTakenIsSetAside(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.set(faultFull)
		for i := range 20 {
			text := fmt.Sprint(i)
			if i == 7 || i == 8 {
				text = fmt.Sprintf("%01000d", i)
			}
			mustAppend(t, s.Spool, one(1, text))
		}
		s.far.mu.Lock()
		s.far.most = 100
		s.far.mu.Unlock()
		s.far.set(faultNone)
		await(t, "drain", drained(s.Spool))
		if n := len(s.world.read(1)); n != 18 || s.world.sum(1, "") != 18 {
			t.Errorf("%d are there, %d are counted, want 18", n, s.world.sum(1, ""))
		}
		if len(s.aside) != 2 {
			t.Fatalf("%d frames were set aside, want 2", len(s.aside))
		}
		for name, text := range s.aside {
			f, err := parseFrame([]byte(text))
			if err != nil || len(f.payloads) != 1 || len(textOf(f.payloads[0])) != 1000 || f.counts[0].N != 1 {
				t.Errorf("%s holds %v, %v", name, f, err)
			}
		}
		// Directly, it is the caller's to know.
		await(t, "lanes turn", func() bool { return s.lanes[1].modeNow() == modeFar })
		if err := s.Append(t.Context(), one(1, fmt.Sprintf("%0200d", 1))); !errors.Is(err, eventlog.ErrInvalid) {
			t.Errorf("got error %v, want ErrInvalid", err)
		}
	})
}

func (ln *lane) modeNow() mode {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return ln.mode
}

// tick is a record that says its IngestTime.
func tick(t testing.TB, p event.Partition, at time.Time) *eventlog.Batch {
	t.Helper()
	payload, err := (&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(event.TimeOf(at))}}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return &eventlog.Batch{Records: []eventlog.Record{{Partition: p, Payload: payload}}}
}

// TestRecordsOfADayAgoEndTheSpoolingS31, and forwarding goes on.
func TestRecordsOfADayAgoEndTheSpoolingS31(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.set(faultFull)
		first := time.Now()
		mustAppend(t, s.Spool, tick(t, 1, first))
		waitUntil(first.Add(s.cfg.MaxAge))
		mustAppend(t, s.Spool, tick(t, 1, time.Now()))
		if at, ok := s.Oldest(); !ok || at != event.TimeOf(first) {
			t.Errorf("oldest is %v, want %v", at, event.TimeOf(first))
		}
		waitUntil(first.Add(s.cfg.MaxAge + time.Second))
		if err := s.Append(t.Context(), tick(t, 1, time.Now())); !errors.Is(err, eventlog.ErrFull) {
			t.Errorf("got error %v, want ErrFull", err)
		}
		mustAppend(t, s.Spool, tick(t, 2, time.Now())) // It has waited for nothing.
		s.far.set(faultNone)
		await(t, "drain", drained(s.Spool))
		if n := len(s.world.read(1)); n != 2 {
			t.Errorf("%d records were forwarded, want 2", n)
		}
		mustAppend(t, s.Spool, tick(t, 1, time.Now()))
		await(t, "drain", drained(s.Spool))
		if at, ok := s.Oldest(); ok {
			t.Errorf("oldest is %v with nothing spooled", at)
		}
	})
}

// waitUntil lets the clock of the bubble run.
func waitUntil(at time.Time) { <-time.After(time.Until(at)) }

// TestOldestKnowsWhatIsOnItsWayS27: an append that waits for the far log is not
// acknowledged yet, but may be in a moment.
func TestOldestKnowsWhatIsOnItsWayS27(t *testing.T) {
	play(t, nil, func(t *testing.T, s *played) {
		s.far.set(faultHang)
		begin := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.Append(t.Context(), tick(t, 1, begin)) }()
		synctest.Wait()
		if at, ok := s.Oldest(); !ok || at != event.TimeOf(begin) {
			t.Errorf("oldest is %v, %v, want %v", at, ok, event.TimeOf(begin))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if at, ok := s.Oldest(); !ok || at != event.TimeOf(begin) {
			t.Errorf("oldest of the spool is %v, %v, want %v", at, ok, event.TimeOf(begin))
		}
	})
}

// TestFullDiskIs503OnlyIfNothingIsDurableS37 and says what is durable, if some is.
func TestFullDiskIs503OnlyIfNothingIsDurableS37(t *testing.T) {
	play(t, func(_ *Config, d *Deps) { d.Near = memlog.New(memlog.Config{Partitions: partitions, MaxBytes: 100}) },
		func(t *testing.T, s *played) {
			s.far.set(faultPartial)
			big := fmt.Sprintf("%0200d", 1)
			err := s.Append(t.Context(), one(1, "a", big))
			var partial *eventlog.PartialError
			if !errors.As(err, &partial) || !errors.Is(err, eventlog.ErrFull) || fmt.Sprint(partial.Durable, partial.Counted) != "[true false] [false]" {
				t.Errorf("got %v, %+v", err, partial)
			}
			s.want(t, 1, "a")
			if err := s.Append(t.Context(), one(1, big)); !errors.Is(err, eventlog.ErrFull) || errors.As(err, &partial) {
				t.Errorf("got error %v, want ErrFull and nothing else", err)
			}
			// An essential batch has no right to the spool's last bytes.
			essential := one(2, big)
			essential.Essential = true
			if err := s.Append(t.Context(), essential); !errors.Is(err, eventlog.ErrFull) {
				t.Errorf("got error %v, want ErrFull", err)
			}
			s.far.set(faultNone)
		})
}

// TestCloseForwardsWhatItCanAndLeavesTheRest for the next start.
func TestCloseForwardsWhatItCanAndLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, w := keptOpen{nearLog()}, newWorld()
		for round := range 3 {
			far := newFar(w)
			s := mustOpen(t, testConfig(), Deps{Near: near, OpenFar: far.open}, plantNothing)
			synctest.Wait()
			far.set(faultFull)
			mustAppend(t, s, one(1, fmt.Sprint(round)))
			if round == 2 {
				far.set(faultNone)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.Append(t.Context(), one(1, "late")); !errors.Is(err, eventlog.ErrClosed) {
				t.Errorf("append after close: got error %v, want ErrClosed", err)
			}
		}
		if got := fmt.Sprint(w.read(1)); got != "[0 1 2]" {
			t.Errorf("got %s", got)
		}
	})
}

// keptOpen is a log that the next process finds open again.
type keptOpen struct{ eventlog.Log }

func (keptOpen) Close() error { return nil }

// slow is a near log that keeps an append waiting.
type slow struct {
	eventlog.Log
	hold chan struct{} // nil: nobody waits
}

func (s *slow) Append(ctx context.Context, b *eventlog.Batch) error {
	if hold := s.hold; hold != nil {
		s.hold = nil
		<-hold
	}
	return s.Log.Append(ctx, b)
}

// TestNoAppendWaitsLongForAHandover: a disk that is slow with one append holds up a
// handover, and the others spool after a while.
func TestNoAppendWaitsLongForAHandover(t *testing.T) {
	near := &slow{Log: nearLog()}
	play(t, func(_ *Config, d *Deps) { d.Near = near }, func(t *testing.T, s *played) {
		s.far.set(faultFull)
		mustAppend(t, s.Spool, one(1, "a"))
		hold, done := make(chan struct{}), make(chan error, 1)
		near.hold = hold
		go func() { done <- s.Append(t.Context(), one(1, "b")) }()
		synctest.Wait()
		s.far.set(faultNone)
		await(t, "handover", func() bool { return s.lanes[1].modeNow() == modeHandover })
		begin := time.Now()
		mustAppend(t, s.Spool, one(1, "c"))
		if waited := time.Since(begin); waited != s.cfg.MaxHandoverWait {
			t.Errorf("an append waited %v, want %v", waited, s.cfg.MaxHandoverWait)
		}
		close(hold)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		await(t, "lane turns back", func() bool { return s.lanes[1].modeNow() == modeFar })
		s.want(t, 1, "a", "c", "b")
	})
}

// forgetful is a near log that does not truncate for a while.
type forgetful struct {
	eventlog.Log
	failures int
}

func (f *forgetful) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	if f.failures--; f.failures >= 0 {
		return eventlog.ErrUnknown
	}
	return f.Log.Truncate(ctx, p, before)
}

// TestFramesThatCannotBeForgottenAreForwardedOnce: the far log must not be filled
// with copies because of a disk, and the lane must not turn back with frames on it.
func TestFramesThatCannotBeForgottenAreForwardedOnce(t *testing.T) {
	play(t, func(_ *Config, d *Deps) { d.Near = &forgetful{d.Near, 20} }, func(t *testing.T, s *played) {
		s.far.set(faultFull)
		mustAppend(t, s.Spool, one(1, "a"))
		s.far.set(faultNone)
		await(t, "drain", drained(s.Spool))
		await(t, "lane turns back", func() bool { return s.lanes[1].modeNow() == modeFar })
		mustAppend(t, s.Spool, one(1, "b"))
		s.want(t, 1, "a", "b")
	})
}

// TestANearLogThatEndsIsSaid, and what the far log takes goes on.
func TestANearLogThatEndsIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := nearLog(), newFar(newWorld())
		s := mustOpen(t, testConfig(), Deps{Near: near, OpenFar: far.open}, plantNothing)
		synctest.Wait()
		_ = near.Close()
		mustAppend(t, s, one(1, "a"))
		far.set(faultFull)
		if err := s.Append(t.Context(), one(1, "b")); !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("got error %v, want ErrClosed", err)
		}
		<-s.Failed()
		if err := s.Close(); err == nil {
			t.Error("closed without a word")
		}
	})
}

// TestLanesTurnBackUnderLoad: appends that never pause must not keep a partition on
// the disk for ever.
func TestLanesTurnBackUnderLoad(t *testing.T) {
	far := newFar(newWorld())
	s := mustOpen(t, testConfig(), Deps{Near: nearLog(), OpenFar: far.open}, plantNothing)
	far.set(faultFull)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_ = s.Append(ctx, one(event.Partition(n%partitions), "x"))
			}
		})
	}
	await(t, "all is spooled", func() bool { return s.State().Near == partitions && s.State().Frames > 100 })
	far.set(faultNone)
	await(t, "lanes turn back", allFar(s))
	stop()
	group.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
