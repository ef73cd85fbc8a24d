// Mover: the order of things, and trying again.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/state"
)

// Config is the operator's choice.
type Config struct {
	// RowsAtOnce bounds the rows of one inserted batch. Each takes some 2 kB here.
	RowsAtOnce int
	// Partitions are imported at once.
	Partitions int
	// ReadBytes is copied of each partition at once.
	ReadBytes int
	// SwitchWait bounds how long the origin stands still for the cluster to fold what is left. Then it takes events again.
	SwitchWait time.Duration
	// Pause is between two tries of what failed, and between two looks at what changes by itself.
	Pause time.Duration
}

// DefaultConfig returns what serves most.
func DefaultConfig() Config {
	return Config{RowsAtOnce: 50_000, Partitions: 4, ReadBytes: 256 << 10, SwitchWait: time.Minute, Pause: 200 * time.Millisecond}
}

// Deps is the wiring.
type Deps struct {
	Origin Origin
	Notes  Notes
	// OpenTarget opens the cluster; its log begins at base, with what was received before, or did so earlier.
	OpenTarget func(ctx context.Context, base []event.Offset, received []eventlog.Count) (*Target, error)
	Logger     *slog.Logger
	// Progress is told how far a stage is, from 0 to 1.
	Progress func(stage string, share float64)
	// Say tells a person what has been reached.
	Say func(text string)
	// Step, if set, is called before each named step. Crash tests stop there, by an error.
	Step func(name string) error
}

// Mover carries out one move.
type Mover struct {
	cfg  Config
	deps Deps

	id     string
	note   Note
	commit Commit
	target *Target
	folds  []fold.Snapshot // at the commit point
	next   []event.Offset  // what is copied next
}

// New returns a Mover.
func New(cfg Config, deps Deps) *Mover {
	if deps.Progress == nil {
		deps.Progress = func(string, float64) {}
	}
	if deps.Say == nil {
		deps.Say = func(string) {}
	}
	var one sync.Mutex // partitions are imported side by side
	told := deps.Progress
	deps.Progress = func(stage string, share float64) {
		one.Lock()
		defer one.Unlock()
		told(stage, share)
	}
	return &Mover{cfg: cfg, deps: deps}
}

// Order says how far a Run goes.
type Order struct {
	// Switch moves for good. Else the target follows until the context ends, or, with Once, until it has come as far as the origin.
	Switch, Once bool
}

// Run imports what is not imported yet, follows, and switches if that is ordered. What fails is tried again, for as
// long as trying can help.
func (m *Mover) Run(ctx context.Context, o Order) error {
	for {
		err := m.once(ctx, o)
		// An installation that did not answer even once is perhaps another one.
		if err == nil || ctx.Err() != nil || isFinal(err) || m.id == "" {
			return err
		}
		m.deps.Logger.Warn("the move stands still, trying again", "error", err)
		if err := m.pause(ctx); err != nil {
			return err
		}
	}
}

// isFinal tells whether trying again cannot help.
func isFinal(err error) bool {
	for _, e := range []error{ErrRefused, ErrForeign, ErrDiffers, owned.ErrAdopted, intent.ErrConflict, intent.ErrInvalid, state.ErrCorrupt,
		eventlog.ErrCorrupt, eventlog.ErrTruncated, eventlog.ErrInvalid, errStep} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// errStep is what Step's errors are wrapped in: a crash is not tried again by who crashed.
var errStep = errors.New("stopped")

func (m *Mover) step(name string) error {
	if m.deps.Step == nil {
		return nil
	}
	if err := m.deps.Step(name); err != nil {
		return fmt.Errorf("%w before %q: %w", errStep, name, err)
	}
	return nil
}

func (m *Mover) pause(ctx context.Context) error {
	timer := time.NewTimer(m.cfg.Pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once is one try from the beginning; what was done is found done.
func (m *Mover) once(ctx context.Context, o Order) (err error) {
	isOver, err := m.begin(ctx, o)
	if isOver || err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	if err := m.importAll(ctx); err != nil {
		return err
	}
	if o.Switch {
		return m.switchOver(ctx)
	}
	if err := m.followNow(ctx); err != nil {
		return err
	}
	if err := m.compareWhileMoving(ctx); err != nil || o.Once {
		return err
	}
	err = m.follow(ctx, func() bool { return false })
	if ctx.Err() != nil {
		return nil // it was told to end
	}
	return err
}

func (m *Mover) close() error {
	var err error
	if m.target != nil {
		err = m.target.Close()
	}
	if m.commit != nil {
		err = errors.Join(err, m.commit.Close())
	}
	m.target, m.commit = nil, nil
	return err
}

// Abort leaves the origin as it was. What is in the cluster by then is of no use.
func (m *Mover) Abort(ctx context.Context) error {
	st, err := m.deps.Origin.Status(ctx)
	if err != nil {
		return err
	}
	note, some, err := m.deps.Notes.Note(ctx)
	if err != nil {
		return err
	}
	if st.Stage == Gone || some && note.Origin == st.ID && note.Stage == Complete {
		return fmt.Errorf("the move is complete, and the cluster takes events: %w back", ErrRefused)
	}
	if st.Stage == Stopped {
		if err := m.deps.Origin.Resume(ctx); err != nil {
			return err
		}
	}
	return m.deps.Origin.Forget(ctx)
}
