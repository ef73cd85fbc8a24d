// Engine: answers queries.
package report

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/catalog"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Config is the operator's choice.
type Config struct {
	// MaxRows bounds the groups that one plan may return, default 1,000,000. Too
	// few and reports over many pages fail; each takes some 200 bytes while the
	// report is made.
	MaxRows int `yaml:"max_rows"`
	// Concurrency is how many plans of one Run are asked at once, default 2. More
	// does not help once the store uses all cores for one.
	Concurrency int `yaml:"concurrency"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{MaxRows: 1_000_000, Concurrency: 2} }

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.MaxRows < 1 || c.MaxRows > 100_000_000:
		return errors.New("report.max_rows lies between 1 and 100000000")
	case c.Concurrency < 1 || c.Concurrency > 64:
		return errors.New("report.concurrency lies between 1 and 64")
	}
	return nil
}

// FreshnessSource says how far the store has come with a property. It must be
// safe for concurrent use.
type FreshnessSource interface {
	Freshness(ctx context.Context, p event.PropertyID) (Freshness, error)
}

// RestatementSource remembers changes of final days, oldest first (S29). It
// must be safe for concurrent use.
type RestatementSource interface {
	Restatements(ctx context.Context, p event.PropertyID) ([]Restatement, error)
}

// Deps is the wiring.
type Deps struct {
	Store     store.Reader
	Freshness FreshnessSource
	// Restatements may be nil where nothing changes final days.
	Restatements RestatementSource
}

// Engine answers queries. Its methods may be called from any goroutine.
type Engine struct {
	cfg       Config
	store     store.Reader
	freshness FreshnessSource
	restated  RestatementSource
	catalog   *catalog.Catalog
	facts     map[catalog.Fact]store.Dimension
	countries []string // codes that have a name
	zones     zones
}

// New returns an Engine over deps.
func New(cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil || deps.Freshness == nil {
		return nil, errors.New("report engine needs a store and a freshness source")
	}
	return &Engine{
		cfg: cfg, store: deps.Store, freshness: deps.Freshness, restated: deps.Restatements,
		catalog: catalog.New(), facts: storeDimensions(), countries: catalog.CountryCodes(),
	}, nil
}

// Catalog returns what queries may name.
func (e *Engine) Catalog() *catalog.Catalog { return e.catalog }

// Check tells what is wrong with q (*InvalidError) without answering it.
func (e *Engine) Check(q *Query) error {
	_, err := e.check(q)
	return err
}

// Freshness returns how far the store has come with a property, and its ledger.
func (e *Engine) Freshness(ctx context.Context, p event.PropertyID) (Freshness, error) {
	f, err := e.freshness.Freshness(ctx, p)
	if err != nil {
		return Freshness{}, fmt.Errorf("read freshness of property %s: %w", p, err)
	}
	return f, nil
}

// Run answers all queries from one snapshot (Q1). An *InvalidError is the
// asker's mistake, a *GoneError is not; Field begins with requests[i] if there are several.
func (e *Engine) Run(ctx context.Context, queries []*Query) ([]*Result, error) {
	questions := make([]*question, len(queries))
	for i, q := range queries {
		qn, err := e.check(q)
		if err != nil {
			return nil, atRequest(i, len(queries), err)
		}
		questions[i] = qn
	}
	// Freshness is asked for before the snapshot is taken, so that the
	// snapshot holds at least what it claims (Q2).
	results := make([]*Result, len(queries))
	for i, qn := range questions {
		meta, err := e.meta(ctx, qn)
		if err != nil {
			return nil, err
		}
		results[i] = &Result{Meta: meta}
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("take snapshot: %w", err)
	}
	defer snap.Release()
	if err := e.noteFinalDays(snap, questions, results); err != nil {
		return nil, err
	}
	return results, e.answerAll(ctx, snap, questions, results)
}

func (e *Engine) answerAll(ctx context.Context, snap store.Snapshot, questions []*question, results []*Result) error {
	group, ctx := errgroup.WithContext(ctx)
	x := &execution{engine: e, snap: snap, slots: make(chan struct{}, e.cfg.Concurrency)}
	for i, qn := range questions {
		group.Go(func() error {
			return atRequest(i, len(questions), x.answer(ctx, qn, results[i]))
		})
	}
	return group.Wait()
}

func (e *Engine) meta(ctx context.Context, qn *question) (Meta, error) {
	p := qn.query.Property
	fresh, err := e.Freshness(ctx, p.ID)
	if err != nil {
		return Meta{}, err
	}
	var restated []Restatement
	if e.restated != nil {
		if restated, err = e.restated.Restatements(ctx, p.ID); err != nil {
			return Meta{}, fmt.Errorf("read restatements of property %s: %w", p.ID, err)
		}
	}
	return Meta{TimeZone: p.TimeZone, Currency: p.Currency, Freshness: fresh, Exact: true,
		Restatements: qn.touching(restated)}, nil
}

// touching keeps the restatements of days that the question asks about.
func (qn *question) touching(all []Restatement) []Restatement {
	var kept []Restatement
	for _, r := range all {
		for _, days := range qn.query.Ranges {
			if !days.End.Before(r.From) && !r.To.Before(days.Start) {
				kept = append(kept, r)
				break
			}
		}
	}
	return kept
}

func atRequest(i, n int, err error) error {
	var wrong *InvalidError
	var gone *GoneError
	switch {
	case n < 2:
	case errors.As(err, &wrong):
		at := *wrong
		at.Field = fmt.Sprintf("requests[%d].%s", i, wrong.Field)
		return &at
	case errors.As(err, &gone):
		at := *gone
		at.Field = fmt.Sprintf("requests[%d].%s", i, gone.Field)
		return &at
	}
	return err
}
