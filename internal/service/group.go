// The ordered group of the parts of a process.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// DefaultTimeout is the time a part has to start or to stop. Less would cut
// off a checkpoint on a slow disk; more would outlast the patience of init
// systems, which kill after 90 s.
const DefaultTimeout = 20 * time.Second

// ErrAborted is what Run returns when it was told not to wait for stops.
var ErrAborted = errors.New("aborted before all parts had stopped")

// Part is one thing that runs. All functions may be nil.
type Part struct {
	Name string
	// Start returns when the part can be used. Its context ends with the
	// start; it must not be kept.
	Start func(ctx context.Context) error
	// Run works until its context ends. Returning earlier, even without an
	// error, stops the group.
	Run func(ctx context.Context) error
	// Stop ends the part in good order. It is called after Run was told to
	// end and has returned, or when the time for that is over.
	Stop func(ctx context.Context) error

	StartTimeout, StopTimeout time.Duration // default DefaultTimeout
}

// Group runs parts.
type Group struct {
	log   *slog.Logger
	parts []Part
}

// New returns an empty group.
func New(log *slog.Logger) *Group { return &Group{log: log} }

// Add appends a part: it starts after those added before and stops before them.
func (g *Group) Add(p Part) {
	if p.StartTimeout == 0 {
		p.StartTimeout = DefaultTimeout
	}
	if p.StopTimeout == 0 {
		p.StopTimeout = DefaultTimeout
	}
	g.parts = append(g.parts, p)
}

// Names lists the parts in the order in which they start.
func (g *Group) Names() []string {
	names := make([]string, len(g.parts))
	for i, p := range g.parts {
		names[i] = p.Name
	}
	return names
}

// running is a part that has started.
type running struct {
	Part
	cancel context.CancelFunc
	done   chan error // of Run; closed after its one value
}

// ended is what a part's Run returned before it was told to.
type ended struct {
	name string
	err  error
}

// Run starts all parts, calls ready, and waits until ctx ends, a part fails,
// or abort is closed; then it stops them. ready and abort may be nil.
func (g *Group) Run(ctx context.Context, ready func(), abort <-chan struct{}) error {
	failed := make(chan ended, len(g.parts))
	started, err := g.start(ctx, failed, abort)
	if err == nil && ctx.Err() == nil {
		if ready != nil {
			ready()
		}
		err = wait(ctx, failed, abort)
	}
	if errors.Is(err, ErrAborted) {
		return err
	}
	if err != nil {
		g.log.Error("stopping after an error", "error", err)
	}
	return errors.Join(err, g.stop(started, abort))
}

func wait(ctx context.Context, failed <-chan ended, abort <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-abort:
		return ErrAborted
	case e := <-failed:
		if e.err == nil {
			e.err = errors.New("ended by itself")
		}
		return fmt.Errorf("run %s: %w", e.name, e.err)
	}
}

// start starts parts until one fails or ctx ends, and returns those that run.
func (g *Group) start(ctx context.Context, failed chan<- ended, abort <-chan struct{}) ([]*running, error) {
	var started []*running
	for _, p := range g.parts {
		if ctx.Err() != nil {
			return started, nil
		}
		began := time.Now()
		if err := bounded(ctx, p.StartTimeout, abort, p.Start); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return started, nil // told to stop while starting is no failure
			}
			return started, fmt.Errorf("start %s: %w", p.Name, err)
		}
		g.log.Debug("started", "part", p.Name, "took", time.Since(began))
		started = append(started, launch(p, failed))
	}
	return started, nil
}

// launch runs p beside the others. Its context is not that of the group: a
// part goes on until those that need it have stopped.
func launch(p Part, failed chan<- ended) *running {
	r := &running{Part: p, cancel: func() {}, done: make(chan error, 1)}
	if p.Run == nil {
		close(r.done)
		return r
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		err := p.Run(ctx)
		if ctx.Err() == nil {
			failed <- ended{p.Name, err}
			err = nil // told once
		} else if errors.Is(err, context.Canceled) {
			err = nil
		}
		r.done <- err
		close(r.done)
	}()
	return r
}

// stop stops what runs, last first.
func (g *Group) stop(started []*running, abort <-chan struct{}) error {
	var errs []error
	for _, r := range slices.Backward(started) {
		began := time.Now()
		err := bounded(context.Background(), r.StopTimeout, abort, r.end)
		if errors.Is(err, ErrAborted) {
			return errors.Join(append(errs, err)...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.Name, err))
		}
		g.log.Debug("stopped", "part", r.Name, "took", time.Since(began))
	}
	return errors.Join(errs...)
}

func (r *running) end(ctx context.Context) error {
	r.cancel()
	var err error
	select {
	case err = <-r.done:
	case <-ctx.Done():
		err = fmt.Errorf("run has not ended: %w", ctx.Err())
	}
	if r.Stop != nil {
		err = errors.Join(err, r.Stop(ctx))
	}
	return err
}

// bounded calls f and returns when it has, or when its time is over and it
// does not listen, or on abort.
func bounded(ctx context.Context, d time.Duration, abort <-chan struct{}, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-abort:
		return ErrAborted
	case <-ctx.Done():
	}
	// Its context has ended: a short while to return what it found.
	grace := time.NewTimer(time.Second)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-abort:
		return ErrAborted
	case <-grace.C:
		return fmt.Errorf("does not answer: %w", ctx.Err())
	}
}
