// Answers: what a plan was answered is remembered until a row of its property
// could change it. Dashboards ask the same plans for every viewer, and most
// properties are at rest most of the time.
package duckstore

import (
	"encoding/json"
	"fmt"

	"github.com/maypok86/otter/v2"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// answers remembers answers within a bound of memory.
type answers struct {
	cache *otter.Cache[string, *store.Rows]
	limit int64
}

func newAnswers(limit int64) *answers {
	return &answers{limit: limit, cache: otter.Must(&otter.Options[string, *store.Rows]{
		MaximumWeight: uint64(limit),
		Weigher:       func(key string, rows *store.Rows) uint32 { return uint32(weight(key, rows)) },
		Executor:      func(fn func()) { fn() }, // no goroutines of its own
	})}
}

// Bytes that a row and each of its values take beside their texts.
const (
	rowBytes   = 64
	valueBytes = 16
)

func weight(key string, rows *store.Rows) int64 {
	n := int64(len(key)) + 128
	for i, dims := range rows.Dimensions {
		n += rowBytes + int64(len(dims)+len(rows.Aggregates[i]))*valueBytes
		for _, d := range dims {
			n += int64(len(d))
		}
	}
	return n
}

// key names the answer of p as sn sees it; false if rows of the property came
// after the snapshot, so that nothing that is remembered now is of its state.
func (sn *snapshot) key(p *store.Plan) (string, bool) {
	m := sn.view.manifest
	changed := uint64(0)
	if until, ok := m.FinalUntil[p.Property]; !ok || p.To > until {
		sn.s.mu.Lock()
		changed = sn.s.changed[p.Property]
		sn.s.mu.Unlock()
		if changed > sn.seen {
			return "", false
		}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", false // a text that is no UTF-8: asked again each time
	}
	return fmt.Sprint(changed, m.DayVersion[p.Property], m.FinalUntil[p.Property], m.Rollups[p.Property], m.Kept[p.Property]) + string(body), true
}

// recall returns the remembered answer of a key.
func (a *answers) recall(key string) (*store.Rows, bool) { return a.cache.GetIfPresent(key) }

// remember keeps an answer, unless it is so large that it would push out all others.
func (a *answers) remember(key string, rows *store.Rows) {
	if weight(key, rows) <= a.limit/16 {
		a.cache.Set(key, rows)
	}
}

// noteChanges notes which properties have rows in b. Store.mu is held.
func (s *Store) noteChanges(b *store.Batch) {
	s.appends++
	last := event.PropertyID(0)
	note := func(p event.PropertyID) {
		if p != last { // rows of a property come in runs
			s.changed[p], last = s.appends, p
		}
	}
	for i := range b.Events {
		note(b.Events[i].Property)
	}
	for i := range b.Sessions {
		note(b.Sessions[i].Property)
	}
	for i := range b.Aliases {
		note(b.Aliases[i].Property)
	}
}
