// Retention in memory. Mem has no cells; what it keeps of a day without rows is the
// rows themselves, with the local times that they had, and it shows them to no plan but
// those that cells would answer.
package storetest

import (
	"context"
	"errors"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// DropRows implements store.Store.
func (s *Mem) DropRows(_ context.Context, m store.Manifest, spans []store.RollupSpan) (*store.Change, error) {
	for _, sp := range spans {
		if until, ok := m.FinalUntil[sp.Property]; !ok || sp.To > until {
			return nil, errors.New("days to drop are not final")
		}
	}
	of := func(p event.PropertyID) (store.RollupSpan, bool) {
		i := slices.IndexFunc(spans, func(sp store.RollupSpan) bool { return sp.Property == p })
		if i < 0 {
			return store.RollupSpan{}, false
		}
		return spans[i], true
	}
	past := pastSessions(s.partsOf(m), of)
	counted := func(p event.PropertyID, start event.Time) bool {
		from, _ := m.RowsFrom(p)
		return start < from
	}
	change := &store.Change{}
	var kept tableRows
	for _, seg := range m.Segments {
		if seg.Table == store.KeptCells {
			continue
		}
		rows, _ := s.disk.read(seg.ID)
		rest := rows.from(seg.Table, of, past, counted, &kept)
		if rest.size() == rows.size() {
			continue
		}
		change.Removed = append(change.Removed, seg.ID)
		if rest.size() > 0 {
			written := s.disk.write(seg.Table, rest)
			written.Level = seg.Level
			change.Added = append(change.Added, written)
		}
	}
	if kept.size() > 0 {
		change.Added = append(change.Added, s.disk.write(store.KeptCells, kept))
	}
	if len(change.Removed) == 0 && len(change.Added) == 0 {
		return nil, nil
	}
	return change, nil
}

type sessionOf struct {
	property event.PropertyID
	session  event.RowID
}

// pastSessions finds young sessions of which every revision ended before their border.
func pastSessions(parts []part, of func(event.PropertyID) (store.RollupSpan, bool)) map[sessionOf]bool {
	past := map[sessionOf]bool{}
	for _, part := range parts {
		if part.table != store.YoungSessions {
			continue
		}
		for _, r := range part.rows.sessions {
			sp, ok := of(r.Property)
			key := sessionOf{r.Property, r.Session}
			was, seen := past[key]
			past[key] = ok && r.End < sp.To && (was || !seen)
		}
	}
	return past
}

// from returns r less the rows of days that go, and adds the final ones to kept.
func (r tableRows) from(t store.Table, of func(event.PropertyID) (store.RollupSpan, bool), past map[sessionOf]bool,
	counted func(event.PropertyID, event.Time) bool, kept *tableRows) tableRows {
	rest := tableRows{aliases: r.aliases}
	for _, e := range r.events {
		if sp, ok := of(e.Property); !ok || e.EventTime >= sp.To {
			rest.events = append(rest.events, e)
		}
	}
	for _, j := range r.finals {
		sp, ok := of(j.event.Property)
		if !ok || j.event.EventTime >= sp.To {
			rest.finals = append(rest.finals, j)
			continue
		}
		j.event.EventTime = sp.Zone.Local(j.event.EventTime)
		kept.finals = append(kept.finals, j)
	}
	for _, x := range r.sessions {
		sp, ok := of(x.Property)
		// A session that lasts into a day with rows counts with its own day all the same.
		if ok && t == store.FinalSessions && x.Start < sp.To && !counted(x.Property, x.Start) {
			copied := x
			offset := sp.Zone.Local(x.Start) - x.Start
			copied.Start, copied.End = x.Start+offset, x.End+offset
			kept.sessions = append(kept.sessions, copied)
		}
		if !ok || (t == store.FinalSessions && x.End >= sp.To) || (t == store.YoungSessions && !past[sessionOf{x.Property, x.Session}]) {
			rest.sessions = append(rest.sessions, x)
		}
	}
	return rest
}

// evaluateKept answers p from rows and from what is kept of days without rows: local
// times in [from, to).
func (sn *memSnapshot) evaluateKept(p *store.Plan, from, to, rowsFrom event.Time) (*store.Rows, error) {
	kept, rows := *p, *p
	kept.From, kept.To, kept.Zone = from, to, nil
	rows.From = rowsFrom
	old := &relation{}
	for _, part := range sn.parts {
		if part.table != store.KeptCells {
			continue
		}
		for _, j := range part.rows.finals {
			if j.event.Property == p.Property {
				old.events = append(old.events, j)
			}
		}
		for _, x := range part.rows.sessions {
			if x.Property == p.Property {
				old.sessions = append(old.sessions, x)
			}
		}
	}
	return evaluateAll([]source{{&kept, old}, {&rows, resolve(sn.parts, sn.manifest, p.Property)}})
}
