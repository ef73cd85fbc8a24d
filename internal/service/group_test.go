// The group under a fake clock (synctest): order, deadlines, failures, abort.
package service

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// diary notes what happened in which order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

// part notes its start, end of run, and stop.
func (d *diary) part(name string) Part {
	return Part{
		Name:  name,
		Start: func(context.Context) error { d.note("start " + name); return nil },
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			d.note("end " + name)
			return ctx.Err()
		},
		Stop: func(context.Context) error { d.note("stop " + name); return nil },
	}
}

func group(parts ...Part) *Group {
	g := New(slog.New(slog.DiscardHandler))
	for _, p := range parts {
		g.Add(p)
	}
	return g
}

// runUntilReady runs the group, waits until it is ready, and returns how to
// tell it to stop and how to take its error.
func runUntilReady(t *testing.T, g *Group, abort <-chan struct{}) (stop func(), result func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, errs := make(chan struct{}), make(chan error, 1)
	go func() { errs <- g.Run(ctx, func() { close(ready) }, abort) }()
	<-ready
	return cancel, func() error { return <-errs }
}

func TestSV1_SV2_PartsStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		stop, result := runUntilReady(t, group(d.part("log"), d.part("processor"), d.part("http")), nil)
		d.want(t, "start log", "start processor", "start http")
		stop()
		if err := result(); err != nil {
			t.Errorf("run: %v", err)
		}
		d.want(t, "start log", "start processor", "start http",
			"end http", "stop http", "end processor", "stop processor", "end log", "stop log")
	})
}

func TestSV2_OnlyWhatStartedIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := d.part("store")
		broken.Start = func(context.Context) error { return errors.New("disk is gone") }
		err := group(d.part("log"), broken, d.part("http")).Run(t.Context(), nil, nil)
		if err == nil || err.Error() != "start store: disk is gone" {
			t.Errorf("got error %v", err)
		}
		d.want(t, "start log", "end log", "stop log")
	})
}

func TestSV3_StartThatDoesNotListenIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		release := make(chan struct{})
		defer close(release)
		stuck := Part{Name: "store", StartTimeout: time.Minute, Start: func(context.Context) error {
			<-release
			return nil
		}}
		began := time.Now()
		err := group(d.part("log"), stuck).Run(t.Context(), nil, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "start store: does not answer") {
			t.Errorf("got error %v", err)
		}
		if took := time.Since(began); took != time.Minute+time.Second {
			t.Errorf("gave up after %v", took)
		}
		d.want(t, "start log", "end log", "stop log")
	})
}

func TestSV3_StopHasADeadlineAndTheOthersStillStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		slow := d.part("processor")
		slow.StopTimeout = 5 * time.Second
		slow.Stop = func(ctx context.Context) error {
			<-ctx.Done()
			d.note("give up processor")
			return ctx.Err()
		}
		stop, result := runUntilReady(t, group(d.part("log"), slow), nil)
		stop()
		if err := result(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a deadline", err)
		}
		d.want(t, "start log", "start processor", "end processor", "give up processor", "end log", "stop log")
	})
}

func TestSV4_FirstErrorStopsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := d.part("processor")
		broken.Run = func(context.Context) error {
			<-time.After(time.Hour) // on the fake clock
			return errors.New("record is damaged")
		}
		http := d.part("http")
		http.Stop = func(context.Context) error { return errors.New("a connection hangs") }
		err := group(d.part("log"), broken, http).Run(t.Context(), nil, nil)
		want := "run processor: record is damaged\nstop http: a connection hangs"
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
		d.want(t, "start log", "start processor", "start http",
			"end http", "stop processor", "end log", "stop log")
	})
}

func TestSV4_PartThatEndsByItselfStopsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brief := Part{Name: "ticker", Run: func(context.Context) error { return nil }}
		err := group(brief).Run(t.Context(), nil, nil)
		if err == nil || err.Error() != "run ticker: ended by itself" {
			t.Errorf("got error %v", err)
		}
	})
}

func TestSV5_AbortDoesNotWaitForStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		abort, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		stuck := d.part("processor")
		stuck.Stop = func(context.Context) error { <-release; return nil }
		log := d.part("log")
		log.Run = nil // it would be left running
		stop, result := runUntilReady(t, group(log, stuck), abort)
		stop()
		synctest.Wait()
		close(abort)
		if err := result(); !errors.Is(err, ErrAborted) {
			t.Errorf("got error %v, want %v", err, ErrAborted)
		}
		d.want(t, "start log", "start processor", "end processor")
	})
}

func TestStopWhileStartingStopsWhatStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		recovering := Part{Name: "store", Start: func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}}
		err := group(d.part("log"), recovering, d.part("http")).Run(ctx, func() { d.note("ready") }, nil)
		if err != nil {
			t.Errorf("run: %v", err)
		}
		d.want(t, "start log", "end log", "stop log")
	})
}

func TestFirstSignalStopsSecondAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		ctx, abort, release := twoStep(t.Context(), signals)
		defer release()
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("context has ended before a signal")
		}
		signals <- os.Interrupt
		<-ctx.Done()
		select {
		case <-abort:
			t.Fatal("aborted by the first signal")
		default:
		}
		signals <- os.Interrupt
		<-abort
	})
}

// Outside a bubble: the signal is a real one, sent to this process.
func TestTerminateSignalEndsTheContext(t *testing.T) {
	ctx, _, release := Signals(t.Context())
	defer release()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the context lives on")
	}
}

func TestReleaseEndsTheWatchOfSignals(t *testing.T) {
	ctx, _, release := Signals(t.Context())
	release()
	if ctx.Err() == nil {
		t.Error("the context lives on")
	}
}
