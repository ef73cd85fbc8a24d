// The directory: what it asks, how often, and when it sees changes.
package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/property"
)

// inBubble runs do with a directory, in a bubble where time passes by itself.
func inBubble(t *testing.T, do func(t *testing.T, d *Directory, r *fakeRegistry)) {
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRegistry()
		d := NewDirectory(DirectoryDeps{
			Registry: r, Log: memlog.New(memlog.Config{Partitions: 4}), Logger: slog.New(slog.DiscardHandler),
		})
		synctest.Wait() // For the first look at the registry.
		do(t, d, r)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

func TestKnownStreamsAreAskedForOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				info, err := d.Stream(t.Context(), "G-KATHMANDU")
				if err != nil || info.Property.ID != 102 || info.Zone.String() != "Asia/Kathmandu" {
					t.Errorf("got %v, %v", info, err)
				}
				if ok, err := d.CheckAPISecret(t.Context(), "G-KATHMANDU", "himal"); !ok || err != nil {
					t.Errorf("secret: got %v, %v", ok, err)
				}
			})
		}
		all.Wait()
		asked := r.questions()
		for range 100 {
			if _, err := d.Stream(t.Context(), "G-KATHMANDU"); err != nil {
				t.Error(err)
			}
			if ok, err := d.CheckAPISecret(t.Context(), "G-KATHMANDU", "himal"); !ok || err != nil {
				t.Errorf("secret: got %v, %v", ok, err)
			}
		}
		if got := r.questions(); got != asked {
			t.Errorf("asked %d times more, want none", got-asked)
		}
	})
}

func TestAStreamMadeByAnotherProcessIsSeenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		r.change(func() { r.properties["G-NEW"] = property.Property{ID: 7, TimeZone: "UTC", Version: 1} })
		if info, err := d.Stream(t.Context(), "G-NEW"); err != nil || info.Property.ID != 7 {
			t.Errorf("got %v, %v", info, err)
		}
	})
}

func TestAChangeIsSeenWithinAQuarterSecond(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		if _, err := d.Stream(t.Context(), "G-UTC"); err != nil {
			t.Fatal(err)
		}
		if ok, _ := d.CheckAPISecret(t.Context(), "G-UTC", "sesame"); !ok {
			t.Fatal("the right secret is refused")
		}
		if _, err := d.Stream(t.Context(), "G-LATER"); !errors.Is(err, property.ErrNotFound) {
			t.Fatal(err)
		}
		r.change(func() {
			p := r.properties["G-UTC"]
			p.Version, p.KeyEvents = 2, []string{"purchase"}
			r.properties["G-UTC"] = p
			r.properties["G-LATER"] = p
			r.secrets["G-UTC"] = "changed"
		})
		pass(250 * time.Millisecond)
		if info, err := d.Stream(t.Context(), "G-UTC"); err != nil || info.Property.Version != 2 {
			t.Errorf("got %v, %v, want version 2", info, err)
		}
		if ok, err := d.CheckAPISecret(t.Context(), "G-UTC", "sesame"); ok || err != nil {
			t.Errorf("the old secret: got %v, %v", ok, err)
		}
		if _, err := d.Stream(t.Context(), "G-LATER"); err != nil {
			t.Errorf("a stream that was unknown before: %v", err)
		}
	})
}

func TestD8QuestionsAboutUnknownStreamsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		for range 1000 {
			if _, err := d.Stream(t.Context(), "G-NOBODY"); !errors.Is(err, property.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if got := r.questions(); got != 1 {
			t.Errorf("asked %d times about one id, want once", got)
		}
		busy := 0
		for i := range 10_000 {
			_, err := d.Stream(t.Context(), fmt.Sprintf("G-%d", i))
			if errors.Is(err, ErrBusy) {
				busy++
			} else if !errors.Is(err, property.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if got := r.questions(); got > lookupsPerSec || busy < 10_000-lookupsPerSec {
			t.Errorf("asked %d times, busy %d times", got, busy)
		}
		if _, err := d.Stream(t.Context(), "G-UTC"); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want ErrBusy: not known is not the same as unknown", err)
		}
		pass(time.Second)
		if _, err := d.Stream(t.Context(), "G-UTC"); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestStreamsThatExistAreNotCountedAsUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		const n = 10 * lookupsPerSec
		r.change(func() {
			for i := range n {
				id := fmt.Sprintf("G-SHOP%d", i)
				r.properties[id] = property.Property{ID: event.PropertyID(1000 + i), TimeZone: "UTC", Version: 1}
				r.secrets[id] = "open"
			}
		})
		// As after a restart: all at once, none was asked for before.
		for i := range n {
			id := fmt.Sprintf("G-SHOP%d", i)
			if _, err := d.Stream(t.Context(), id); err != nil {
				t.Fatalf("stream %d of %d: %v", i, n, err)
			}
			if ok, err := d.CheckAPISecret(t.Context(), id, "open"); !ok || err != nil {
				t.Fatalf("secret of stream %d of %d: %v, %v", i, n, ok, err)
			}
		}
	})
}

func TestD8GuessingSecretsOfOneStreamDoesNotLockOutOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		for i := range 1000 {
			if ok, _ := d.CheckAPISecret(t.Context(), "G-UTC", fmt.Sprint(i)); ok {
				t.Fatal("a guess was right")
			}
		}
		if got := r.questions(); got > secretsPerSec {
			t.Errorf("asked %d times, want at most %d", got, secretsPerSec)
		}
		if ok, err := d.CheckAPISecret(t.Context(), "G-KATHMANDU", "himal"); !ok || err != nil {
			t.Errorf("another stream: got %v, %v", ok, err)
		}
	})
}

func TestWhatIsUnknownIsForgottenAndBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, _ *fakeRegistry) {
		for i := range 3 * maxUnknown {
			d.rememberUnknown(fmt.Sprint(i))
		}
		d.mu.RLock()
		size := len(d.unknown)
		d.mu.RUnlock()
		if size > maxUnknown {
			t.Errorf("%d unknown things are kept, want at most %d", size, maxUnknown)
		}
	})
}

func TestAKnownStreamOutlivesARegistryThatDoesNotAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, r *fakeRegistry) {
		if _, err := d.Stream(t.Context(), "G-UTC"); err != nil {
			t.Fatal(err)
		}
		r.change(func() { r.err = errors.New("away") })
		pass(250 * time.Millisecond)
		if _, err := d.Stream(t.Context(), "G-UTC"); err != nil {
			t.Errorf("known before: %v", err)
		}
		if _, err := d.Stream(t.Context(), "G-KATHMANDU"); err == nil || errors.Is(err, property.ErrNotFound) {
			t.Errorf("not known before: got %v, want the registry's error", err)
		}
		r.change(func() {
			r.err = nil
			p := r.properties["G-UTC"]
			p.Version = 9
			r.properties["G-UTC"] = p
		})
		pass(250 * time.Millisecond)
		if info, err := d.Stream(t.Context(), "G-UTC"); err != nil || info.Property.Version != 9 {
			t.Errorf("after it came back: got %v, %v", info, err)
		}
	})
}

func TestC5ADefinitionIsAppendedOncePerVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, _ *fakeRegistry) {
		p := &property.Property{ID: 5, TimeZone: "UTC", Version: 3}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := d.EnsureDefined(context.Background(), p); err != nil {
					t.Error(err)
				}
				if d.deps.Log.End(0) == 0 {
					t.Error("returned before the definition was in the log")
				}
			})
		}
		all.Wait()
		older := &property.Property{ID: 5, TimeZone: "UTC", Version: 2}
		if err := d.EnsureDefined(context.Background(), older); err != nil {
			t.Error(err)
		}
		if got := d.deps.Log.End(0); got != 1 {
			t.Errorf("%d records in a partition, want 1", got)
		}
	})
}

// gatedLog holds appends back until there are as many as it waits for.
type gatedLog struct {
	eventlog.Log
	gate    chan struct{}
	missing atomic.Int64
}

func (l *gatedLog) Append(ctx context.Context, b *eventlog.Batch) error {
	if l.missing.Add(-1) == 0 {
		close(l.gate)
	}
	select {
	case <-l.gate:
		return l.Log.Append(ctx, b)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Not in a bubble: there, a wait for a lock would end in a deadlock, not in an error.
func TestPropertiesDoNotWaitForEachOthersDefinition(t *testing.T) {
	log := &gatedLog{Log: memlog.New(memlog.Config{Partitions: 4}), gate: make(chan struct{})}
	log.missing.Store(definersAtOnce)
	d := NewDirectory(DirectoryDeps{Registry: newFakeRegistry(), Log: log, Logger: slog.New(slog.DiscardHandler)})
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range definersAtOnce {
		all.Go(func() {
			p := &property.Property{ID: event.PropertyID(1000 + i), TimeZone: "UTC", Version: 1}
			if err := d.EnsureDefined(ctx, p); err != nil {
				t.Errorf("property %d: %v, with %d not yet under way", i, err, log.missing.Load())
			}
		})
	}
	all.Wait()
}

func TestC5ADefinitionThatWasNotAppendedIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory, _ *fakeRegistry) {
		broken := &failingLog{Log: d.deps.Log, err: eventlog.ErrFull}
		d.deps.Log = broken
		p := &property.Property{ID: 5, TimeZone: "UTC", Version: 1}
		if err := d.EnsureDefined(context.Background(), p); !errors.Is(err, eventlog.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		broken.err = nil
		if err := d.EnsureDefined(context.Background(), p); err != nil || d.deps.Log.End(3) != 1 {
			t.Errorf("got %v, end %d", err, d.deps.Log.End(3))
		}
	})
}
