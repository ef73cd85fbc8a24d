// Zones: the time zones of properties, by the definitions that the log has brought.
package due

import (
	"bytes"
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// Zones are the zones of properties as far as their definitions were read in this run.
type Zones struct {
	mu     sync.Mutex
	of     map[event.PropertyID]zone
	shared map[string]*window.Zone // by name: many properties are in one zone
}

// zone is a property's by its definition of that version.
type zone struct {
	*window.Zone
	name       string
	version    uint64
	definition []byte
}

// NewZones returns none.
func NewZones() *Zones {
	return &Zones{of: map[event.PropertyID]zone{}, shared: map[string]*window.Zone{}}
}

// Learn notes definitions as a fold has saved them.
func (z *Zones) Learn(definitions map[event.PropertyID][]byte) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for id, b := range definitions {
		known := z.of[id]
		if known.Zone != nil && bytes.Equal(known.definition, b) {
			continue
		}
		d := &event.Definition{}
		if err := proto.Unmarshal(b, d); err != nil {
			panic("BUG: a definition just encoded does not decode: " + err.Error())
		}
		// A partition may not have come to the latest definition yet.
		if known.Zone != nil && known.version >= d.Version {
			continue
		}
		w := z.shared[d.TimeZone]
		if w == nil {
			var err error
			if w, err = window.LoadZone(d.TimeZone); err != nil {
				continue
			}
			z.shared[d.TimeZone] = w
		}
		z.of[id] = zone{w, d.TimeZone, d.Version, slices.Clone(b)}
	}
}

// EndOfDay returns where the property's local day in which t lies ends; t
// if the zone is not known yet.
func (z *Zones) EndOfDay(id event.PropertyID, t event.Time) event.Time {
	z.mu.Lock()
	defer z.mu.Unlock()
	w := z.of[id].Zone
	if w == nil {
		return t
	}
	return w.StartOfDay(w.LocalDay(t) + 1)
}

// DaysBefore returns the start of the property's local day that lies n days before that
// in which t lies; false if the zone is not known yet.
func (z *Zones) DaysBefore(id event.PropertyID, t event.Time, n int) (event.Time, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	w := z.of[id].Zone
	if w == nil {
		return 0, false
	}
	return w.StartOfDay(w.LocalDay(t) - int32(n)), true
}

// StartOfDay returns the start of the property's local day in which t lies.
func (z *Zones) StartOfDay(id event.PropertyID, t event.Time) (event.Time, bool) {
	return z.DaysBefore(id, t, 0)
}

// Around implements store.DaysAround. Of a property whose zone is not known yet it names all days.
func (z *Zones) Around(id event.PropertyID, first, last event.Time) (from, to event.Time) {
	from, known := z.StartOfDay(id, first)
	if !known {
		return math.MinInt64, math.MaxInt64
	}
	return from, z.EndOfDay(id, last)
}

// Steps returns the name of the property's zone and its offsets within [from,
// to); false if the zone is not known yet.
func (z *Zones) Steps(id event.PropertyID, from, to event.Time) (string, store.Zone, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	known := z.of[id]
	if known.Zone == nil {
		return "", nil, false
	}
	var steps store.Zone
	for _, s := range known.Zone.Steps(from, to) {
		steps = append(steps, store.ZoneStep(s))
	}
	return known.name, steps, true
}
