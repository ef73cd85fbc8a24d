// Replays in histories: days of a property get rows that a replay could have made.
package storetest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// plain is what rows of a property say, whatever became final, as if no day had ever been dropped.
func (h *keptHistory) plain(p event.PropertyID) *relation {
	return resolve(append([]part{{rows: h.all}}, h.replaced...), store.Manifest{}, p)
}

// replay puts other rows of the same events in the place of some final days: with other texts and verdicts of key events.
func (h *keptHistory) replay() {
	p := h.property()
	if _, gone := h.ref.rowsFrom(p); gone || h.final[p] == 0 {
		p = 3 - p // the other one
	}
	days := slices.DeleteFunc(h.days(h.final[p]), func(d event.Time) bool { return d < firstDay-dayMicros })
	if _, gone := h.ref.rowsFrom(p); gone || h.final[p] == 0 || len(days) < 2 {
		return
	}
	i := rapid.IntRange(0, len(days)-2).Draw(h.rt, "replay from")
	from, to := days[i], days[rapid.IntRange(i+1, len(days)-1).Draw(h.rt, "replay to")]
	h.did["replay with rows"]++
	batch := h.replayed(p)
	at := event.Time(1000 + h.did["replay with rows"])
	h.both(func(w *sharedWorld) {
		prepared := w.prepare(w.shadowed(fmt.Sprint("replay", h.did["replay with rows"]), p, from, to, batch))
		if err := replaceFinal(w.keeper, prepared, at); err != nil {
			h.t.Fatalf("replace days: %v", err)
		}
	})
	rel := resolve([]part{{rows: tableRows{events: batch.Events, sessions: batch.Sessions}}}, store.Manifest{}, p)
	h.replaced = append(h.replaced, part{instead: &instead{p, from, to}, rows: tableRows{
		finals:   slices.DeleteFunc(rel.events, func(j joined) bool { return j.event.EventTime < from || j.event.EventTime >= to }),
		sessions: slices.DeleteFunc(rel.sessions, func(s store.SessionRow) bool { return s.Start < from || s.Start >= to }),
	}})
	h.compareManifests()
	h.ask(3)
}

// replayed are all rows of a property as a replay made them: the same sessions.
func (h *keptHistory) replayed(p event.PropertyID) *store.Batch {
	rel := h.plain(p)
	b := &store.Batch{}
	for _, j := range rel.events {
		e := j.event
		e.Part, e.Country, e.KeyEvent, e.ValueMicros = j.id, []string{"DE", "ZZ"}[e.Row%2], !e.KeyEvent, e.ValueMicros+1
		b.Events = append(b.Events, e)
	}
	for _, s := range rel.sessions {
		s.Revision, s.Source = 1, "replayed"
		b.Sessions = append(b.Sessions, s)
	}
	return b
}
