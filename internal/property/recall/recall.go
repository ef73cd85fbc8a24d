// Registry: reads that decide who may read what, remembered.
package recall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// Config bounds what is remembered.
type Config struct {
	// Fresh is how long a property or a read key is not asked for again.
	Fresh time.Duration
	// Keep is for how long an answer is good when the registry does not answer.
	Keep time.Duration
	// Patience is how long is waited for an answer that is known.
	Patience time.Duration
	// AskAgain is the distance of questions to a registry that did not answer.
	AskAgain time.Duration
	// Entries are remembered of each kind.
	Entries int
}

// DefaultConfig suits a database that fails over within the hour.
func DefaultConfig() Config {
	return Config{Fresh: 500 * time.Millisecond, Keep: time.Hour, Patience: time.Second, AskAgain: time.Second, Entries: 20_000}
}

// Deps is what a Registry works with.
type Deps struct {
	Registry property.Registry
	Logger   *slog.Logger
	Clock    func() time.Time
}

// Registry asks the one behind it, and remembers.
type Registry struct {
	property.Registry
	cfg  Config
	deps Deps

	properties *memory[event.PropertyID, property.Property]
	readKeys   *memory[string, []event.PropertyID]
	logins     *memory[string, property.Member]
	members    *memory[int64, []event.PropertyID]

	// quietUntil is when the registry is asked again, in Unix nanoseconds; 0: it answers.
	quietUntil atomic.Int64
}

var _ property.Registry = (*Registry)(nil)

// New returns a Registry that has nothing to recall yet. Close closes the one behind it.
func New(c Config, d Deps) (*Registry, error) {
	if c.Fresh < 0 || c.Keep < c.Fresh || c.Patience <= 0 || c.AskAgain <= 0 || c.Entries < 1 {
		return nil, fmt.Errorf("recall: %+v: durations must be positive, keep not below fresh, entries at least 1", c)
	}
	if d.Registry == nil || d.Logger == nil || d.Clock == nil {
		return nil, errors.New("recall: a registry, a logger and a clock are needed")
	}
	return &Registry{Registry: d.Registry, cfg: c, deps: d,
		properties: newMemory[event.PropertyID, property.Property](c.Entries),
		readKeys:   newMemory[string, []event.PropertyID](c.Entries),
		logins:     newMemory[string, property.Member](c.Entries),
		members:    newMemory[int64, []event.PropertyID](c.Entries)}, nil
}

// Property implements property.Registry.
func (r *Registry) Property(ctx context.Context, id event.PropertyID) (property.Property, error) {
	return recalled(ctx, r, r.properties, id, r.cfg.Fresh, func(ctx context.Context) (property.Property, error) {
		return r.Registry.Property(ctx, id)
	})
}

// UpdateProperty implements property.Registry.
func (r *Registry) UpdateProperty(ctx context.Context, p property.Property) (property.Property, error) {
	// Also after an error: the change may have come through.
	defer r.properties.forget(p.ID)
	return r.Registry.UpdateProperty(ctx, p)
}

// PropertiesOfReadKey implements property.Registry.
func (r *Registry) PropertiesOfReadKey(ctx context.Context, readKey string) ([]event.PropertyID, error) {
	return recalled(ctx, r, r.readKeys, digest(readKey), r.cfg.Fresh, func(ctx context.Context) ([]event.PropertyID, error) {
		return r.Registry.PropertiesOfReadKey(ctx, readKey)
	})
}

// Login implements property.Registry. Nobody is known by what they said before.
func (r *Registry) Login(ctx context.Context, email, password string) (property.Member, error) {
	m, err := r.Registry.Login(ctx, email, password)
	if err != nil && ctx.Err() == nil && !errors.Is(err, property.ErrBadLogin) && !errors.Is(err, property.ErrInvalid) {
		err = fmt.Errorf("%w: %w", property.ErrAway, err)
	}
	return m, err
}

// MemberOfLogin implements property.Registry.
func (r *Registry) MemberOfLogin(ctx context.Context, token string) (property.Member, error) {
	return recalled(ctx, r, r.logins, digest(token), 0, func(ctx context.Context) (property.Member, error) {
		return r.Registry.MemberOfLogin(ctx, token)
	})
}

// EndLogin implements property.Registry.
func (r *Registry) EndLogin(ctx context.Context, token string) error {
	defer r.logins.forget(digest(token))
	return r.Registry.EndLogin(ctx, token)
}

// MemberProperties implements property.Registry.
func (r *Registry) MemberProperties(ctx context.Context, member int64) ([]event.PropertyID, error) {
	return recalled(ctx, r, r.members, member, 0, func(ctx context.Context) ([]event.PropertyID, error) {
		return r.Registry.MemberProperties(ctx, member)
	})
}

func digest(text string) string { return string(secret.Digest(text)) }

// recalled asks, or says what was said (RC1, RC2).
func recalled[K comparable, V any](ctx context.Context, r *Registry, m *memory[K, V], key K, fresh time.Duration, ask func(context.Context) (V, error)) (V, error) {
	now := r.deps.Clock()
	held, known := m.get(key)
	age := now.Sub(held.asked)
	known = known && age >= 0 && age < r.cfg.Keep
	if known && (age < fresh || !r.mayAsk(now)) {
		return held.value, nil
	}
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if known {
		bounded, cancel = context.WithTimeout(ctx, r.cfg.Patience)
	}
	defer cancel()
	generation := m.generation.Load()
	value, err := ask(bounded)
	switch {
	case err == nil:
		r.answers()
		m.put(key, entry[V]{value: value, asked: now}, generation)
	case errors.Is(err, property.ErrNotFound):
		r.answers()
		m.drop(key)
	case ctx.Err() != nil: // the caller's impatience says nothing of the registry
	default:
		r.isQuiet(r.deps.Clock(), err)
		if known {
			return held.value, nil
		}
		err = fmt.Errorf("%w: %w", property.ErrAway, err)
	}
	return value, err
}

// mayAsk lets everybody ask a registry that answers, and one caller at a time another one (RC4).
func (r *Registry) mayAsk(now time.Time) bool {
	until := r.quietUntil.Load()
	if until == 0 {
		return true
	}
	return now.UnixNano() >= until && r.quietUntil.CompareAndSwap(until, now.Add(r.cfg.Patience+r.cfg.AskAgain).UnixNano())
}

func (r *Registry) isQuiet(now time.Time, why error) {
	if r.quietUntil.Swap(now.Add(r.cfg.AskAgain).UnixNano()) == 0 {
		r.deps.Logger.Warn("registry does not answer: those who asked in the last while may go on to read, nobody can log in",
			"for", r.cfg.Keep, "error", why)
	}
}

func (r *Registry) answers() {
	if r.quietUntil.Load() != 0 && r.quietUntil.Swap(0) != 0 {
		r.deps.Logger.Info("registry answers again")
	}
}
