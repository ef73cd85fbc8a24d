// Definition: how a property's events are counted from here on (S1).
package fold

import (
	"fmt"
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/window"
)

// DefaultSessionTimeout holds where a definition names none.
const DefaultSessionTimeout = 30 * time.Minute

type definition struct {
	record    *event.Definition
	zone      *window.Zone
	timeout   time.Duration
	keyEvents map[string]bool
	channels  map[[3]string]string // cache of enrich.Channel
}

// define takes a definition over unless it was read before. Collectors repeat
// definitions after a restart.
func (f *Fold) define(d *event.Definition, payload []byte) error {
	if have := f.definitions[event.PropertyID(d.Property)]; have != nil && have.record.Version >= d.Version {
		return nil
	}
	// The texts of d alias payload, which holds more than this record; those of own do not.
	own := &event.Record{}
	if err := own.UnmarshalVT(payload); err != nil {
		return fmt.Errorf("decode definition of property %d: %w", d.Property, err)
	}
	def, err := f.newDefinition(own.GetDefinition())
	if err != nil {
		return err
	}
	f.definitions[event.PropertyID(d.Property)] = def
	return nil
}

func (f *Fold) newDefinition(d *event.Definition) (*definition, error) {
	zone, err := f.zone(d.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("define property %d: %w", d.Property, err)
	}
	def := &definition{record: d, zone: zone, timeout: DefaultSessionTimeout,
		keyEvents: map[string]bool{}, channels: map[[3]string]string{}}
	if d.SessionTimeoutMs > 0 {
		def.timeout = time.Duration(d.SessionTimeoutMs) * time.Millisecond
	}
	for _, name := range d.KeyEvents {
		def.keyEvents[name] = true
	}
	return def, nil
}

// zone returns a zone that all properties of the fold share: loaded it takes more
// memory than the rest of a definition, and every partition holds them all.
func (f *Fold) zone(name string) (*window.Zone, error) {
	if z := f.zones[name]; z != nil {
		return z, nil
	}
	z, err := window.LoadZone(name)
	if err == nil {
		f.zones[name] = z
	}
	return z, err
}

// definition returns the property's definition. Collectors log it before the
// first event; without one the defaults hold.
func (f *Fold) definition(p event.PropertyID) *definition {
	def := f.definitions[p]
	if def == nil {
		var err error
		def, err = f.newDefinition(&event.Definition{Property: uint64(p), TimeZone: "UTC", Currency: "USD"})
		if err != nil {
			panic("BUG: no UTC: " + err.Error())
		}
		f.definitions[p] = def
	}
	return def
}

// channelCache bounds the cache of channels: sources come from senders.
const channelCache = 4096

func (d *definition) channel(source, medium, campaign string) string {
	key := [3]string{source, medium, campaign}
	if c, ok := d.channels[key]; ok {
		return c
	}
	if len(d.channels) >= channelCache {
		clear(d.channels)
	}
	c := enrich.Channel(d.record.ChannelRules, source, medium, campaign)
	d.channels[key] = c
	return c
}
