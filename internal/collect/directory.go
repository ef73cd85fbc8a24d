// Directory: what the registry knows of streams, kept near. It follows
// Changes, asks at once for what it does not know, and bounds how often.
package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"tidemark/internal/eventlog"
	"tidemark/internal/property"
)

// ErrBusy: too many unknown streams or secrets are being asked for. The answer
// is not known; the caller tries again later.
var ErrBusy = errors.New("too many lookups of unknown streams")

// registry is what a Directory asks. property.Registry has it.
type registry interface {
	PropertyOfStream(ctx context.Context, measurementID string) (property.Property, error)
	CheckAPISecret(ctx context.Context, measurementID, secret string) (bool, error)
	Changes(ctx context.Context) (uint64, error)
}

// DirectoryDeps is what a Directory works with.
type DirectoryDeps struct {
	Registry registry
	Log      eventlog.Log
	Clock    func() time.Time // time.Now if nil
	Logger   *slog.Logger
}

// StreamInfo is what the collector needs to know of a stream. It is shared and
// must not be changed.
type StreamInfo struct {
	Property property.Property
	// Zone is the property's time zone.
	Zone *time.Location
}

// Bounds. Streams and secrets that exist are as many as the registry holds; only
// what does not exist must be bounded.
const (
	followInterval  = 200 * time.Millisecond
	unknownLife     = time.Second // how long "unknown" is believed
	maxUnknown      = 4096        // how many unknown things are remembered
	lookupsPerSec   = 200         // of unknown things, all together
	secretsPerSec   = 20          // unknown secrets of one stream
	maxMeasurement  = 64          // length of a measurement id
	maxSecretLength = 256
	// definersAtOnce properties are defined side by side, so that their appends
	// share a sync: after a restart each property is defined again.
	definersAtOnce = 64
	// callTimeout bounds one question to the registry: it is asked for several
	// callers at once, so none of their contexts counts.
	callTimeout = 5 * time.Second
)

// Directory answers from memory what it has asked before.
type Directory struct {
	deps    DirectoryDeps
	flights singleflight.Group
	// generation counts the changes of the registry that were seen. What was
	// learned before the current one is asked again.
	generation atomic.Uint64
	// stale: something was answered from an older generation, since the registry
	// did not answer. The next look begins a new one.
	stale   atomic.Bool
	lookups bucket
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu      sync.RWMutex
	streams map[string]*knownStream
	secrets map[secretKey]uint64 // right ones: generation in which they were
	unknown map[any]time.Time    // string or secretKey: until when it is believed
	guesses map[string]*bucket   // of unknown secrets, by measurement id

	defining [definersAtOnce]sync.Mutex // by property
	defined  sync.Map                   // event.PropertyID: uint64 version

	zones sync.Map // string: *time.Location; streams share them
}

type knownStream struct {
	info       StreamInfo
	generation uint64
}

// secretKey stands for a secret: the secret itself is not kept (R2).
type secretKey struct {
	measurementID string
	hash          [sha256.Size]byte
}

// NewDirectory returns a Directory that follows the registry until Close.
func NewDirectory(deps DirectoryDeps) *Directory {
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Directory{
		deps:    deps,
		lookups: bucket{perSecond: lookupsPerSec},
		cancel:  cancel,
		streams: make(map[string]*knownStream),
		secrets: make(map[secretKey]uint64),
		unknown: make(map[any]time.Time),
		guesses: make(map[string]*bucket),
	}
	d.done.Go(func() { d.follow(ctx) })
	return d
}

// Close stops following.
func (d *Directory) Close() error {
	d.cancel()
	d.done.Wait()
	return nil
}

// follow begins a new generation whenever the registry has changed.
func (d *Directory) follow(ctx context.Context) {
	clock := time.NewTicker(followInterval)
	defer clock.Stop()
	var last uint64
	var failing bool
	for first := true; ; first = false {
		changes, err := d.deps.Registry.Changes(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			d.deps.Logger.Warn("registry does not answer", "error", err)
		case err == nil && (first || changes != last || failing || d.stale.Swap(false)):
			last = changes
			d.forget()
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

func (d *Directory) forget() {
	d.generation.Add(1)
	d.mu.Lock()
	clear(d.unknown)
	clear(d.guesses)
	d.mu.Unlock()
}

// Stream implements directory.
func (d *Directory) Stream(ctx context.Context, measurementID string) (*StreamInfo, error) {
	if measurementID == "" || len(measurementID) > maxMeasurement {
		return nil, property.ErrNotFound
	}
	d.mu.RLock()
	known := d.streams[measurementID]
	d.mu.RUnlock()
	// Fast path: nothing has changed since it was asked.
	if known != nil && known.generation == d.generation.Load() {
		return &known.info, nil
	}
	if known == nil && d.isUnknown(measurementID) {
		return nil, property.ErrNotFound
	}
	answer, err, _ := d.flights.Do(measurementID, func() (any, error) {
		return d.askStream(measurementID, known)
	})
	if err != nil {
		return nil, err
	}
	return answer.(*StreamInfo), nil
}

// askStream asks the registry. If it does not answer, what was known is still
// the best there is.
func (d *Directory) askStream(measurementID string, known *knownStream) (*StreamInfo, error) {
	if known == nil && !d.lookups.allow(d.deps.Clock()) {
		return nil, ErrBusy
	}
	generation := d.generation.Load()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	p, err := d.deps.Registry.PropertyOfStream(ctx, measurementID)
	if errors.Is(err, property.ErrNotFound) {
		d.mu.Lock()
		delete(d.streams, measurementID)
		d.mu.Unlock()
		d.rememberUnknown(measurementID)
		return nil, property.ErrNotFound
	}
	if err != nil && known != nil {
		d.keepStream(measurementID, &knownStream{info: known.info, generation: generation})
		d.stale.Store(true)
		return &known.info, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up data stream: %w", err)
	}
	if known == nil { // it exists: after a restart thousands like it are asked for at once
		d.lookups.giveBack()
	}
	zone, err := d.zone(p.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("load zone of property %s: %w", p.ID, err)
	}
	fresh := &knownStream{info: StreamInfo{Property: p, Zone: zone}, generation: generation}
	d.keepStream(measurementID, fresh)
	return &fresh.info, nil
}

func (d *Directory) zone(name string) (*time.Location, error) {
	if zone, ok := d.zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		d.zones.Store(name, zone)
	}
	return zone, err
}

func (d *Directory) keepStream(measurementID string, s *knownStream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams[measurementID] = s
}

// CheckAPISecret implements directory.
func (d *Directory) CheckAPISecret(ctx context.Context, measurementID, secret string) (bool, error) {
	if secret == "" || len(secret) > maxSecretLength || len(measurementID) > maxMeasurement {
		return false, nil
	}
	key := secretKey{measurementID, sha256.Sum256([]byte(secret))}
	d.mu.RLock()
	generation, known := d.secrets[key]
	d.mu.RUnlock()
	// Fast path: nothing has changed since it was right.
	if known && generation == d.generation.Load() {
		return true, nil
	}
	if !known && d.isUnknown(key) {
		return false, nil
	}
	answer, err, _ := d.flights.Do(measurementID+"\x00"+string(key.hash[:]), func() (any, error) {
		return d.askSecret(key, secret, known)
	})
	if err != nil {
		return false, err
	}
	return answer.(bool), nil
}

func (d *Directory) askSecret(key secretKey, secret string, known bool) (bool, error) {
	if !known && !d.mayGuess(key.measurementID) {
		return false, ErrBusy
	}
	generation := d.generation.Load()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	right, err := d.deps.Registry.CheckAPISecret(ctx, key.measurementID, secret)
	if errors.Is(err, property.ErrNotFound) {
		right, err = false, nil
	}
	if err != nil {
		// A secret that was right a moment ago may be one that was just taken
		// away: it is not believed.
		return false, fmt.Errorf("check API secret: %w", err)
	}
	d.mu.Lock()
	if right {
		d.secrets[key] = generation
	} else {
		delete(d.secrets, key)
	}
	d.mu.Unlock()
	switch {
	case !right:
		d.rememberUnknown(key)
	case !known:
		d.lookups.giveBack()
	}
	return right, nil
}

func (d *Directory) isUnknown(what any) bool {
	d.mu.RLock()
	until, ok := d.unknown[what]
	d.mu.RUnlock()
	return ok && d.deps.Clock().Before(until)
}

// rememberUnknown spares the registry the same question for a while. That is
// also what bounds the questions about one measurement id.
func (d *Directory) rememberUnknown(what any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.unknown) >= maxUnknown {
		clear(d.unknown)
	}
	d.unknown[what] = d.deps.Clock().Add(unknownLife)
}

// mayGuess allows a question about an unknown secret. Each stream has a share
// of its own, so that guessing at one does not lock out the others.
func (d *Directory) mayGuess(measurementID string) bool {
	d.mu.Lock()
	guesses := d.guesses[measurementID]
	if guesses == nil {
		if len(d.guesses) >= maxUnknown {
			clear(d.guesses)
		}
		guesses = &bucket{perSecond: secretsPerSec}
		d.guesses[measurementID] = guesses
	}
	d.mu.Unlock()
	now := d.deps.Clock()
	return guesses.allow(now) && d.lookups.allow(now)
}
