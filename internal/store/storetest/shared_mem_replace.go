// Replacing final days of MemShared (S29): rows that were put in place are remembered beside those that were inserted, and
// asked for instead of them. Its files hold its rows as JSON.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var (
	_ store.Replacer        = (*MemShared)(nil)
	_ store.ReplacingKeeper = (*memKeeper)(nil)
	_ store.Exporter        = (*MemShared)(nil)
)

// instead is rows that take the place of all others of a property in [from, to).
type instead struct {
	property event.PropertyID
	from, to event.Time
}

// apply takes out of rel what is replaced, and puts in what takes its place.
func (i *instead) apply(rel *relation, rows *tableRows) {
	has := func(t event.Time) bool { return i.from <= t && t < i.to }
	rel.events = slices.DeleteFunc(rel.events, func(j joined) bool { return has(j.event.EventTime) })
	rel.sessions = slices.DeleteFunc(rel.sessions, func(s store.SessionRow) bool { return has(s.Start) })
	rel.events = append(rel.events, rows.finals...)
	rel.sessions = append(rel.sessions, rows.sessions...)
}

// without returns the part less the rows of some clients, and of events from before a time.
func (p part) without(gone map[clientOf]bool, m *store.Manifest) part {
	rest := part{table: p.table, instead: p.instead}
	from, _ := m.RowsFrom(p.instead.property)
	for _, j := range p.rows.finals {
		if !gone[clientOf{j.event.Property, j.event.Client}] && j.event.EventTime >= from {
			rest.rows.finals = append(rest.rows.finals, j)
		}
	}
	for _, s := range p.rows.sessions {
		if !gone[clientOf{s.Property, s.Client}] {
			rest.rows.sessions = append(rest.rows.sessions, s)
		}
	}
	return rest
}

// memRow is a row in a file.
type memRow struct {
	Event   *store.EventRow   `json:",omitempty"`
	ID      event.RowID       `json:",omitempty"`
	Session *store.SessionRow `json:",omitempty"`
}

// memExport gives out final rows as they are now.
type memExport struct {
	m        *MemShared
	property event.PropertyID
	manifest store.Manifest
	rows     *relation
}

// Export implements store.Exporter.
func (m *MemShared) Export(ctx context.Context, p event.PropertyID) (store.Export, error) {
	e := &memExport{m: m, property: p}
	err := m.call(ctx, func(rows *SharedRows) error {
		e.manifest, e.rows = rows.kept.manifest.Clone(), resolve(rows.parts(), store.Manifest{}, p)
		return nil
	})
	return e, err
}

// State implements store.Export.
func (e *memExport) State() (store.FinalState, bool) { return e.manifest.StateOf(e.property) }

// Release implements store.Export.
func (e *memExport) Release() {}

// FirstRow implements store.Export.
func (e *memExport) FirstRow(_ context.Context, from event.Time) (event.Time, bool, error) {
	times := withinTimes(e.rows, from, finalUntil(e.manifest, e.property))
	if len(times) == 0 {
		return 0, false, nil
	}
	return times[0], true, nil
}

func (e *memExport) of(t store.Table, from, to event.Time) (out []memRow) {
	to = min(to, finalUntil(e.manifest, e.property))
	for i := range e.rows.events {
		if j := &e.rows.events[i]; t == store.FinalEvents && from <= j.event.EventTime && j.event.EventTime < to {
			out = append(out, memRow{Event: &j.event, ID: j.id, Session: j.session})
		}
	}
	for i := range e.rows.sessions {
		if s := &e.rows.sessions[i]; t == store.FinalSessions && from <= s.Start && s.Start < to {
			out = append(out, memRow{Session: s})
		}
	}
	return out
}

// Count implements store.Export.
func (e *memExport) Count(_ context.Context, t store.Table, from, to event.Time) (int64, error) {
	return int64(len(e.of(t, from, to))), nil
}

// Write implements store.Export.
func (e *memExport) Write(_ context.Context, t store.Table, from, to event.Time) (*os.File, error) {
	rows := e.of(t, from, to)
	if len(rows) == 0 {
		return nil, nil
	}
	f, err := os.CreateTemp("", "mem-export-")
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Remove(f.Name()), json.NewEncoder(f).Encode(rows))
	if _, seekErr := f.Seek(0, 0); err == nil {
		err = seekErr
	}
	return f, err
}

// Prepare implements store.Replacer.
func (m *MemShared) Prepare(ctx context.Context, r *store.Replacing) (*store.Prepared, error) {
	of := part{table: store.FinalEvents, instead: &instead{r.Property, r.From, r.To}}
	for _, f := range r.Files {
		var text bytes.Buffer
		var rows []memRow
		if err := errors.Join(f.Copy(ctx, &text), json.Unmarshal(text.Bytes(), &rows)); err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Event != nil {
				of.rows.finals = append(of.rows.finals, joined{event: *row.Event, id: row.ID, session: row.Session})
			} else {
				of.rows.sessions = append(of.rows.sessions, *row.Session)
			}
		}
	}
	out := &store.Prepared{Property: r.Property, From: r.From, To: r.To, Was: r.Was}
	return out, m.call(ctx, func(rows *SharedRows) error {
		now := rows.kept.manifest
		if err := now.Replaceable(r.Property, r.From, r.To, &r.Was); err != nil {
			return err
		}
		add := func(from, to event.Time) {
			if from < to {
				rows.kept.runs++
				out.Ranges = append(out.Ranges, store.FinalRange{From: from, To: to, Run: rows.kept.runs, Edition: 1})
			}
		}
		for _, old := range store.Touched(now.Finals[r.Property], r.From, r.To) {
			add(old.From, min(old.To, r.From))
			add(max(old.From, r.To), old.To)
		}
		add(r.From, r.To)
		rows.prepared[rows.kept.runs] = of
		return nil
	})
}

// ReplaceFinal implements store.ReplacingKeeper.
func (k *memKeeper) ReplaceFinal(ctx context.Context, p *store.Prepared, at event.Time) error {
	return k.call(ctx, func(rows *SharedRows) error {
		m := rows.kept.manifest.Clone()
		if p.IsIn(&m) {
			return nil
		}
		if err := m.Replaceable(p.Property, p.From, p.To, &p.Was); err != nil {
			return err
		}
		m.NoteReplaced(p, at)
		rows.kept.manifest = m
		for _, r := range p.Ranges {
			if of, ok := rows.prepared[r.Run]; ok {
				rows.kept.instead = append(slices.Clip(rows.kept.instead), of)
			}
		}
		return nil
	})
}
