// Erasure in memory.
package storetest

import (
	"context"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

type clientOf struct {
	property event.PropertyID
	client   event.RowID
}

// Erase implements store.Store.
func (s *Mem) Erase(_ context.Context, m store.Manifest, of []store.Erasure) (*store.Erased, error) {
	gone := map[clientOf]bool{}
	for _, seg := range m.Segments {
		rows, _ := s.disk.read(seg.ID)
		if seg.Table == store.KeptCells {
			continue // cells name nobody
		}
		for _, r := range rows.sessions {
			if slices.ContainsFunc(of, func(e store.Erasure) bool {
				return e.Property == r.Property && e.ClientID == r.ClientID && (r.Client < e.Before || r.Client >= 1<<63)
			}) {
				gone[clientOf{r.Property, r.Client}] = true
			}
		}
	}
	out := &store.Erased{Events: map[event.PropertyID]int64{}, Touched: map[event.PropertyID][2]event.Time{}}
	for _, seg := range m.Segments {
		if seg.Table == store.KeptCells {
			continue
		}
		rows, _ := s.disk.read(seg.ID)
		rest, changed := rows.without(gone, m, out)
		if !changed {
			continue
		}
		out.Removed = append(out.Removed, seg.ID)
		if rest.size() > 0 {
			written := s.disk.write(seg.Table, rest)
			written.Level = seg.Level
			out.Added = append(out.Added, written)
		}
	}
	if len(out.Removed) == 0 {
		return nil, nil
	}
	return out, nil
}

func (r tableRows) size() int {
	return len(r.events) + len(r.sessions) + len(r.aliases) + len(r.finals)
}

// without returns r less the rows of clients, and whether there were any.
func (r tableRows) without(gone map[clientOf]bool, m store.Manifest, out *store.Erased) (tableRows, bool) {
	before := r.size()
	touch := func(p event.PropertyID, at event.Time) {
		was, ok := out.Touched[p]
		if !ok {
			was = [2]event.Time{at, at}
		}
		out.Touched[p] = [2]event.Time{min(was[0], at), max(was[1], at)}
	}
	event := func(e *store.EventRow, counts bool) bool {
		is := gone[clientOf{e.Property, e.Client}]
		if is {
			touch(e.Property, e.EventTime)
			if e.Sub == 0 && counts {
				out.Events[e.Property]++
			}
		}
		return is
	}
	rest := tableRows{aliases: r.aliases}
	for _, e := range r.events {
		if !event(&e, e.EventTime >= finalUntil(m, e.Property)) {
			rest.events = append(rest.events, e)
		}
	}
	for _, j := range r.finals {
		if !event(&j.event, true) {
			rest.finals = append(rest.finals, j)
		}
	}
	for _, s := range r.sessions {
		if gone[clientOf{s.Property, s.Client}] {
			if !s.Tombstone {
				touch(s.Property, s.Start)
			}
			continue
		}
		rest.sessions = append(rest.sessions, s)
	}
	return rest, rest.size() != before
}

// ClientsOf implements store.Snapshot.
func (sn *memSnapshot) ClientsOf(_ context.Context, p event.PropertyID, userID string) ([]string, error) {
	numbers := map[event.RowID]bool{}
	var sessions []store.SessionRow
	for _, part := range sn.parts {
		if part.table == store.KeptCells {
			continue
		}
		for _, e := range part.rows.events {
			numbers[e.Client] = numbers[e.Client] || (e.Property == p && e.UserID == userID)
		}
		for _, j := range part.rows.finals {
			numbers[j.event.Client] = numbers[j.event.Client] || (j.event.Property == p && j.event.UserID == userID)
		}
		sessions = append(sessions, part.rows.sessions...)
	}
	for _, s := range sessions {
		numbers[s.Client] = numbers[s.Client] || (s.Property == p && s.UserID == userID)
	}
	var out []string
	for _, s := range sessions {
		if s.Property == p && numbers[s.Client] && s.ClientID != "" && !slices.Contains(out, s.ClientID) {
			out = append(out, s.ClientID)
		}
	}
	slices.Sort(out)
	return out, nil
}
