// Engine: one replay from its order to its result.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// Errors that callers tell apart.
var (
	// ErrBusy: another replay is under way.
	ErrBusy = errors.New("another replay is under way")
	// ErrNotFinal: no day of the range is final.
	ErrNotFinal = errors.New("no day of the range is final")
)

// GoneError: rows of the property are no longer kept, which a replay would need: of the
// days that it counts again, or to know what its clients were before them.
type GoneError struct {
	// RowsFrom is from when on there are rows.
	RowsFrom event.Time
}

// Error implements error.
func (e *GoneError) Error() string {
	return fmt.Sprintf("rows from before %s are no longer kept (retention of rows), and with them went what clients did before: "+
		"days of this property cannot be counted again, those that have rows included", e.RowsFrom.Std().Format(time.RFC3339))
}

// Processor is what a replay needs of the one that folds the log.
type Processor interface {
	report.FreshnessSource
	// Checkpoint commits what was folded.
	Checkpoint(ctx context.Context) error
	// FinalThrough is the time before which no event can come any more.
	FinalThrough() event.Time
	Restatements(id event.PropertyID) []state.Restatement
	// Restate puts rows in the place of final ones unless there are more than
	// `known` restatements of the property.
	Restate(ctx context.Context, r store.Replacement, known int) error
}

// Shadow is an empty state and store of the kind that the server uses.
type Shadow struct {
	State state.State
	Store store.Store
	Dir   string       // of the store's segments
	Close func() error // closes both and deletes their files
}

// Deps is the wiring.
type Deps struct {
	Store     store.Store
	Processor Processor
	// Log, if given, is asked for the records of archived events: what it still holds is
	// derived anew.
	Log        eventlog.Log
	Deriver    *enrich.Deriver
	OpenShadow func() (*Shadow, error)
	Logger     *slog.Logger
}

// Engine replays.
type Engine struct {
	deps Deps
	busy atomic.Bool
}

// New returns an Engine over deps.
func New(deps Deps) (*Engine, error) {
	if deps.Store == nil || deps.Processor == nil || deps.Deriver == nil || deps.OpenShadow == nil || deps.Logger == nil {
		return nil, errors.New("replay needs a store, a processor, a deriver, a shadow and a logger")
	}
	return &Engine{deps: deps}, nil
}

// Order says what to replay.
type Order struct {
	// Was is the property as it counts now, Now as it shall. Both have one ID.
	Was, Now property.Property
	From, To report.Day // local days in Now's zone, both included
	// Progress, if set, is called now and then with the share that is done, of 1.
	Progress func(stage string, share float64)
}

// Result is a replay that was folded and not yet applied or discarded.
type Result struct {
	// From and To are the days that were replayed: fewer than ordered if some are not
	// final, or would not be under the new definition.
	From, To report.Day
	// Derived events were derived anew from the log; of Kept ones, which the log no longer
	// holds, device, browser, verdict and own source are as they were.
	Derived, Kept int64
	Difference    Difference

	engine *Engine
	shadow *Shadow
	swap   store.Replacement
	known  int
}

// margin is how many local days before and after a range are folded with it: a
// session lies within four (S12), and a day more in case the zone changed.
const margin = 5

// Run folds the range into a shadow and compares. The caller must Apply or Discard the
// result.
func (e *Engine) Run(ctx context.Context, o Order) (*Result, error) {
	if !e.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	r, err := e.run(ctx, o)
	if err != nil {
		e.busy.Store(false)
		return nil, fmt.Errorf("replay property %s: %w", o.Now.ID, err)
	}
	return r, nil
}

func (e *Engine) run(ctx context.Context, o Order) (*Result, error) {
	if o.Progress == nil {
		o.Progress = func(string, float64) {}
	}
	if err := e.deps.Processor.Checkpoint(ctx); err != nil {
		return nil, err
	}
	known := len(e.deps.Processor.Restatements(o.Now.ID))
	archive, err := e.deps.Store.Archive(ctx, o.Now.ID)
	if err != nil {
		return nil, err
	}
	defer archive.Release()
	if from, gone := archive.RowsFrom(); gone {
		return nil, &GoneError{RowsFrom: from}
	}
	zone, err := window.LoadZone(o.Now.TimeZone)
	if err != nil {
		return nil, err
	}
	days, err := daysOf(ctx, o, zone, archive)
	if err != nil {
		return nil, err
	}
	shadow, err := e.deps.OpenShadow()
	if err != nil {
		return nil, fmt.Errorf("open shadow: %w", err)
	}
	r := &Result{engine: e, shadow: shadow, known: known}
	if err := r.fold(ctx, newFolding(e, o, archive, shadow, days), zone); err != nil {
		return nil, errors.Join(err, shadow.Close())
	}
	o.Progress("comparing", 1)
	if r.Difference, err = e.compare(ctx, o, r, shadow); err != nil {
		return nil, errors.Join(err, shadow.Close())
	}
	return r, nil
}

// fold fills the shadow, and r with what became of it.
func (r *Result) fold(ctx context.Context, f *folding, zone *window.Zone) error {
	if err := f.run(ctx); err != nil {
		return err
	}
	from, to := f.days.from, f.finalUntil()
	if to <= from {
		return fmt.Errorf("%w under the new definition", ErrNotFinal)
	}
	r.From, r.To, r.Derived, r.Kept = dayOf(zone, from), dayOf(zone, to-1), f.derived, f.kept
	r.swap = store.Replacement{Property: f.order.Now.ID, From: from, To: to, Dir: f.shadow.Dir, Segments: FinalSegments(&f.manifest)}
	return nil
}

// Apply puts the replayed rows in the place of the old ones, and frees the shadow.
func (r *Result) Apply(ctx context.Context) error {
	if err := r.engine.deps.Processor.Restate(ctx, r.swap, r.known); err != nil {
		return errors.Join(err, r.Discard())
	}
	r.engine.deps.Logger.Info("days were replayed", "property", r.swap.Property.String(), "from", r.swap.From, "to", r.swap.To)
	return r.Discard()
}

// Discard frees the shadow. Nothing has changed.
func (r *Result) Discard() error {
	if r.shadow == nil {
		return nil
	}
	err := r.shadow.Close()
	r.shadow = nil
	r.engine.busy.Store(false)
	return err
}

// span is the days of a replay as times.
type span struct {
	from, to event.Time
	// starts of the local days that are folded, from margin before to margin after;
	// the last is the end.
	starts []event.Time
}

// daysOf bounds the order by what is final and rounds it to local days.
func daysOf(ctx context.Context, o Order, zone *window.Zone, archive store.Archive) (span, error) {
	until, ok := archive.FinalUntil()
	if !ok {
		return span{}, ErrNotFinal
	}
	earliest, found, err := archive.Earliest(ctx)
	if err != nil {
		return span{}, err
	}
	if !found {
		return span{}, ErrNotFinal
	}
	first, last := max(dayNumber(o.From), zone.LocalDay(earliest)), dayNumber(o.To)+1
	last = min(last, zone.LocalDay(until)) // the day in which final ends is not final, unless it begins there
	if first >= last {
		return span{}, fmt.Errorf("%w: final days end before %v", ErrNotFinal, dayOf(zone, until))
	}
	s := span{from: zone.StartOfDay(first), to: zone.StartOfDay(last)}
	for day := first - margin; day <= last+margin; day++ {
		s.starts = append(s.starts, zone.StartOfDay(day))
	}
	return s, nil
}

func dayNumber(d report.Day) int32 {
	return int32(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func dayOf(zone *window.Zone, t event.Time) report.Day {
	y, m, d := t.Std().In(zone.Location()).Date()
	return report.Day{Year: y, Month: m, Day: d}
}
