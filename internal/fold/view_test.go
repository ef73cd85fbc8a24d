// view is the naive reader of what a fold tells the store: highest revision
// wins, aliases resolve parts.
package fold

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

const testProperty = 7

type nothingSaved map[string][]byte

func (n nothingSaved) Client(key []byte) ([]byte, error) { return bytes.Clone(n[string(key)]), nil }

// harness drives one fold the way the processor does.
type harness struct {
	t      testing.TB
	fold   *Fold
	saved  nothingSaved
	next   event.Offset
	told   []store.Batch
	out    store.Batch
	keyNum int
	// payloads are of the batch under way: its rows have texts in them.
	payloads [][]byte
}

func newHarness(t testing.TB) *harness {
	h := &harness{t: t, saved: nothingSaved{}}
	h.fold = New(0, h.saved, enrich.NewDeriver(enrich.DefaultConfig()))
	return h
}

func (h *harness) define(d *event.Definition) {
	d.Property = testProperty
	h.apply(&event.Record{Kind: &event.Record_Definition{Definition: d}})
}

func (h *harness) event(e *event.Event) {
	if e.Property == 0 {
		e.Property = testProperty
	}
	h.apply(&event.Record{Kind: &event.Record_Event{Event: e}})
}

func (h *harness) tick(at event.Time) {
	h.apply(&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(at)}}})
}

func (h *harness) apply(r *event.Record) {
	h.t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.fold.Apply(h.next, b, &h.out); err != nil {
		h.t.Fatal(err)
	}
	h.payloads = append(h.payloads, b)
	h.next++
}

func (h *harness) flush() {
	h.fold.Flush(&h.out)
	h.told = append(h.told, store.Batch{
		Events:   withOwnTexts(h.out.Events),
		Sessions: slices.Clone(h.out.Sessions),
		Aliases:  slices.Clone(h.out.Aliases),
	})
	h.out.Reset()
	// Only the rows may have had texts in the records.
	for _, b := range h.payloads {
		for i := range b {
			b[i] = 0xff
		}
	}
	h.payloads = h.payloads[:0]
}

// withOwnTexts copies rows with their texts, as a store does.
func withOwnTexts(rows []store.EventRow) []store.EventRow {
	rows = slices.Clone(rows)
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for j := range row.NumField() {
			if f := row.Field(j); f.Kind() == reflect.String {
				f.SetString(strings.Clone(f.String()))
			}
		}
	}
	return rows
}

// restart makes a checkpoint and starts a new fold from it.
func (h *harness) restart() {
	z, err := h.fold.Freeze()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := z.Encode(func(k, v []byte) error {
		h.saved[string(k)] = slices.Clone(v)
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	h.fold = New(0, h.saved, enrich.NewDeriver(enrich.DefaultConfig()))
	if err := h.fold.Restore(&z.Snapshot); err != nil {
		h.t.Fatal(err)
	}
}

// sessions returns the sessions in force, with the events that resolve to
// each. It checks that every event resolves to a session in force.
func (h *harness) sessions(clients map[string]bool) []string {
	latest := map[event.RowID]store.SessionRow{}
	aliases := map[event.RowID]store.AliasRow{}
	names := map[event.RowID][]string{}
	for _, b := range h.told {
		for _, s := range b.Sessions {
			if have, ok := latest[s.Session]; !ok || s.Revision > have.Revision {
				latest[s.Session] = s
			} else if s.Revision == have.Revision {
				h.t.Fatalf("two revisions %d of session %d", s.Revision, s.Session)
			}
		}
		for _, a := range b.Aliases {
			if have, ok := aliases[a.Part]; !ok || a.Revision >= have.Revision {
				aliases[a.Part] = a
			}
		}
	}
	for _, b := range h.told {
		for _, e := range b.Events {
			id := e.Part
			if a, ok := aliases[id]; ok {
				id = a.Session
			}
			s, ok := latest[id]
			if !ok || s.Tombstone {
				h.t.Fatalf("event at %v lies in part %d, session %d, which is no session", e.EventTime, e.Part, id)
			}
			names[id] = append(names[id], fmt.Sprintf("%s %s%s", e.EventTime.Std().Format("02T15:04:05"), e.Name, e.Path))
		}
	}
	var lines []string
	for id, s := range latest {
		if s.Tombstone {
			if len(names[id]) > 0 {
				h.t.Fatalf("tombstone %d has events", id)
			}
			continue
		}
		if clients != nil && !clients[s.ClientID] {
			continue
		}
		slices.Sort(names[id])
		lines = append(lines, describe(s, names[id]))
	}
	slices.Sort(lines)
	return lines
}

func describe(s store.SessionRow, events []string) string {
	var b strings.Builder
	kind := "session"
	if !s.Counted {
		kind = "holder "
	}
	fmt.Fprintf(&b, "%s [%s, %s] %s events=%d views=%d source=%s/%s first=%s %s engaged=%v landing=%s exit=%s",
		kind, s.Start.Std().Format("02T15:04:05"), s.End.Std().Format("02T15:04:05"), s.ClientID,
		s.Events, s.Views, s.Source, s.Medium, s.FirstUserSource, s.NewVsReturning, s.Engaged, s.LandingPath, s.ExitPath)
	if s.HasFirst {
		b.WriteString(" holds-first")
	}
	if s.RevenueMicros != 0 {
		fmt.Fprintf(&b, " revenue=%v", time.Duration(s.RevenueMicros)*time.Microsecond)
	}
	return b.String() + "\n    " + strings.Join(events, "\n    ")
}
