// Resolving and finalizing in memory: which rows count, and which become final.
package storetest

import (
	"context"
	"math"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// young is what the young rows of one property say now.
type young struct {
	events   []store.EventRow
	sessions map[event.RowID]store.SessionRow // highest revisions
	aliases  map[event.RowID]store.AliasRow   // by part; highest revisions
}

func youngOf(parts []part, p event.PropertyID) young {
	y := young{sessions: map[event.RowID]store.SessionRow{}, aliases: map[event.RowID]store.AliasRow{}}
	for _, part := range parts {
		if !isYoung(part.table) {
			continue
		}
		for _, e := range part.rows.events {
			if e.Property == p {
				y.events = append(y.events, e)
			}
		}
		for _, s := range part.rows.sessions {
			if known, ok := y.sessions[s.Session]; s.Property == p && (!ok || s.Revision >= known.Revision) {
				y.sessions[s.Session] = s
			}
		}
		for _, a := range part.rows.aliases {
			if known, ok := y.aliases[a.Part]; a.Property == p && (!ok || a.Revision >= known.Revision) {
				y.aliases[a.Part] = a
			}
		}
	}
	return y
}

// join finds the session of e.
func (y young) join(e store.EventRow) joined {
	j := joined{event: e, id: e.Part}
	if a, ok := y.aliases[e.Part]; ok {
		j.id = a.Session
	}
	if s, ok := y.sessions[j.id]; ok && !s.Tombstone {
		j.session = &s
	}
	return j
}

// resolve lists the rows of p that count: final ones before FinalUntil, young
// ones from then on (S28).
func resolve(parts []part, m store.Manifest, p event.PropertyID) *relation {
	until := finalUntil(m, p)
	y := youngOf(parts, p)
	rel := &relation{}
	for _, e := range y.events {
		if e.EventTime >= until {
			rel.events = append(rel.events, y.join(e))
		}
	}
	for _, s := range y.sessions {
		if s.Start >= until && !s.Tombstone {
			rel.sessions = append(rel.sessions, s)
		}
	}
	for i := range parts {
		part := &parts[i]
		if part.instead != nil {
			if part.instead.property == p {
				part.instead.apply(rel, &part.rows)
			}
			continue
		}
		if part.table == store.KeptCells {
			continue
		}
		for _, j := range part.rows.finals {
			if j.event.Property == p && j.event.EventTime < until {
				rel.events = append(rel.events, j)
			}
		}
		if part.table == store.FinalSessions {
			for _, s := range part.rows.sessions {
				if s.Property == p && s.Start < until {
					rel.sessions = append(rel.sessions, s)
				}
			}
		}
	}
	return rel
}

// isYoung is also true of heads, whose rows are of any young table.
func isYoung(t store.Table) bool {
	return t != store.FinalEvents && t != store.FinalSessions && t != store.KeptCells
}

func finalUntil(m store.Manifest, p event.PropertyID) event.Time {
	if t, ok := m.FinalUntil[p]; ok {
		return t
	}
	return math.MinInt64
}

func (s *Mem) partsOf(m store.Manifest) []part {
	var parts []part
	for _, seg := range m.Segments {
		rows, _ := s.disk.read(seg.ID)
		parts = append(parts, part{table: seg.Table, rows: rows})
	}
	return parts
}

// Compact implements store.Store: it merges all young segments of each table
// once there are several.
func (s *Mem) Compact(_ context.Context, m store.Manifest) (*store.Change, error) {
	change := &store.Change{}
	var merged tableRows
	young := 0
	for _, seg := range m.Segments {
		if !isYoung(seg.Table) {
			continue
		}
		rows, _ := s.disk.read(seg.ID)
		merged.events = append(merged.events, rows.events...)
		merged.sessions = append(merged.sessions, rows.sessions...)
		merged.aliases = append(merged.aliases, rows.aliases...)
		change.Removed = append(change.Removed, seg.ID)
		young++
	}
	if young < 6 {
		return nil, nil
	}
	change.Added = s.disk.writeYoung(merged)
	return change, nil
}

// OpenSessions implements store.Store.
func (s *Mem) OpenSessions(_ context.Context, m store.Manifest,
	finalThrough event.Time) (map[event.PropertyID]store.Open, error) {
	return openSessions(s.partsOf(m), m, finalThrough), nil
}

func openSessions(parts []part, m store.Manifest, finalThrough event.Time) map[event.PropertyID]store.Open {
	out := map[event.PropertyID]store.Open{}
	for _, p := range properties(parts) {
		var o store.Open
		any := false
		y := youngOf(parts, p)
		for _, e := range y.events {
			if e.EventTime < finalUntil(m, p) {
				continue
			}
			if !any {
				o.MinTime, o.MaxTime, any = e.EventTime, e.EventTime, true
			}
			o.MinTime, o.MaxTime = min(o.MinTime, e.EventTime), max(o.MaxTime, e.EventTime)
		}
		if !any {
			continue
		}
		for _, r := range y.sessions {
			if r.Counted && !r.Tombstone && r.Start < finalThrough && r.Closes > finalThrough &&
				(o.EarliestStart == 0 || r.Start < o.EarliestStart) {
				o.EarliestStart = r.Start
			}
		}
		out[p] = o
	}
	return out
}

func properties(parts []part) []event.PropertyID {
	seen := map[event.PropertyID]bool{}
	var out []event.PropertyID
	for _, part := range parts {
		for _, e := range part.rows.events {
			if !seen[e.Property] {
				seen[e.Property] = true
				out = append(out, e.Property)
			}
		}
	}
	return out
}

// Finalize implements store.Store.
func (s *Mem) Finalize(_ context.Context, m store.Manifest,
	until map[event.PropertyID]event.Time) (*store.Change, error) {
	parts := s.partsOf(m)
	var events []joined
	var sessions []store.SessionRow
	for p, to := range until {
		rel := resolve(parts, m, p)
		from := finalUntil(m, p)
		for _, j := range rel.events {
			if j.event.EventTime >= from && j.event.EventTime < to {
				events = append(events, j)
			}
		}
		for _, r := range rel.sessions {
			if r.Start >= from && r.Start < to {
				sessions = append(sessions, r)
			}
		}
	}
	change := &store.Change{}
	if len(events) > 0 {
		change.Added = append(change.Added, s.disk.write(store.FinalEvents, tableRows{finals: events}))
	}
	if len(sessions) > 0 {
		change.Added = append(change.Added, s.disk.write(store.FinalSessions, tableRows{sessions: sessions}))
	}
	if len(change.Added) == 0 {
		return nil, nil
	}
	return change, nil
}
