// Collector: what it is made of and how it starts and ends.
package collect

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/property"
)

// directory tells what is known of streams. Directory is it in the product.
type directory interface {
	// Stream returns whose stream it is (property.ErrNotFound).
	Stream(ctx context.Context, measurementID string) (*StreamInfo, error)
	// CheckAPISecret tells whether secret belongs to the stream.
	CheckAPISecret(ctx context.Context, measurementID, secret string) (bool, error)
	// EnsureDefined returns once p's Definition is in every partition (C5).
	EnsureDefined(ctx context.Context, p *property.Property) error
}

// Deps is what a Collector works with.
type Deps struct {
	Log       eventlog.Log
	Directory directory
	Salts     salter
	// Geo tells where an address is, nil if unknown. Optional.
	Geo func(netip.Addr) *event.Geo
	// AddressVerdict names the rule that an address meets, "" if clean. Optional.
	AddressVerdict func(netip.Addr) string
	// Clock tells the time; time.Now if nil.
	Clock  func() time.Time
	Logger *slog.Logger
	// Registerer takes the telemetry. Optional.
	Registerer prometheus.Registerer
	// OnAccepted is told the events of a request once they are durable. It may
	// keep the events but not the slice, must not change them, and must return
	// soon: the client is waiting. Optional.
	OnAccepted func([]*event.Event)
}

// Collector takes events over HTTP.
type Collector struct {
	cfg       Config
	deps      Deps
	addresses addressReader
	ids       *cookieless
	memory    inFlight
	telemetry *telemetry
	gzips     gzipPool
	zstds     zstdPool
	arrivals  sync.Pool
	ticker    *ticker
	complain  occasionally
	// newKey makes a random event key (S6).
	newKey func() string
}

// New returns a Collector that serves at once. Close ends its ticker.
func New(cfg Config, deps Deps) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check collector config: %w", err)
	}
	if deps.Log == nil || deps.Directory == nil || deps.Salts == nil || deps.Logger == nil {
		return nil, errors.New("a collector needs a log, a directory, salts and a logger")
	}
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	addresses, err := newAddressReader(cfg)
	if err != nil {
		return nil, err
	}
	c := &Collector{
		cfg:       cfg,
		deps:      deps,
		addresses: addresses,
		ids:       newCookieless(deps.Salts),
		memory:    inFlight{max: int64(cfg.MaxInFlight)},
		newKey:    rand.Text,
	}
	if c.telemetry, err = newTelemetry(deps.Registerer, &c.memory); err != nil {
		return nil, fmt.Errorf("register collector telemetry: %w", err)
	}
	c.arrivals.New = func() any { return &arrival{c: c, lease: lease{from: &c.memory}} }
	c.ticker = startTicker(cfg.TickInterval, deps.Log, deps.Clock, deps.Logger)
	return c, nil
}

// Close ends the ticker. Requests are ended by the HTTP server before.
func (c *Collector) Close() error {
	c.ticker.stop()
	return nil
}

// occasionally lets one caller through per second: a failing log must not fill
// the disk with lines that say so.
type occasionally struct {
	mu   sync.Mutex
	next time.Time
}

func (o *occasionally) now(t time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t.Before(o.next) {
		return false
	}
	o.next = t.Add(time.Second)
	return true
}
