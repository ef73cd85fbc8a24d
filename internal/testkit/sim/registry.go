// Registry: the properties of the traffic, each with one stream and one secret.
package sim

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

// streamOf and secretOf are what senders write into their requests.
func streamOf(id event.PropertyID) string { return fmt.Sprintf("G-SIM%d", id) }
func secretOf(id event.PropertyID) string { return fmt.Sprintf("secret-%d", id) }

type registry map[string]property.Property // by stream

func newRegistry(properties []property.Property) registry {
	r := registry{}
	for _, p := range properties {
		r[streamOf(p.ID)] = p
	}
	return r
}

// PropertyOfStream is what a collector asks.
func (r registry) PropertyOfStream(_ context.Context, stream string) (property.Property, error) {
	p, ok := r[stream]
	if !ok {
		return p, fmt.Errorf("stream %s: %w", stream, property.ErrNotFound)
	}
	return p, nil
}

// CheckAPISecret is what a collector asks of senders that bring one.
func (r registry) CheckAPISecret(_ context.Context, stream, secret string) (bool, error) {
	p, ok := r[stream]
	return ok && secret == secretOf(p.ID), nil
}

// Changes says that nothing ever changes.
func (r registry) Changes(context.Context) (uint64, error) { return 1, nil }

// salts makes each day's salt of its name.
type salts struct{}

// Salt is what a collector asks for clients that bring no id (S10).
func (salts) Salt(_ context.Context, day string, _ time.Time) ([]byte, error) {
	return []byte("salt of " + day), nil
}
