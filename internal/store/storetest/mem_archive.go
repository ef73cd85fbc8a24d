// Replay in memory: which rows it reads, and how others take their place.
package storetest

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var errNotFinal = errors.New("the range to replace is not final")

// memArchive is the resolved rows of one property.
type memArchive struct {
	property event.PropertyID
	until    event.Time
	isFinal  bool
	rows     *relation
	rowsFrom event.Time
	dropped  bool
}

// Archive implements store.Store.
func (s *Mem) Archive(_ context.Context, p event.PropertyID) (store.Archive, error) {
	s.mu.Lock()
	m := clone(s.manifest)
	s.mu.Unlock()
	a := &memArchive{property: p, rows: resolve(s.partsOf(m), m, p)}
	a.until, a.isFinal = m.FinalUntil[p]
	a.rowsFrom, a.dropped = m.RowsFrom(p)
	return a, nil
}

// Release implements store.Archive.
func (a *memArchive) Release() {}

// FinalUntil implements store.Archive.
func (a *memArchive) FinalUntil() (event.Time, bool) { return a.until, a.isFinal }

// RowsFrom implements store.Archive.
func (a *memArchive) RowsFrom() (event.Time, bool) { return a.rowsFrom, a.dropped }

// Earliest implements store.Archive.
func (a *memArchive) Earliest(context.Context) (t event.Time, found bool, err error) {
	for _, j := range a.rows.events {
		if at := j.event.EventTime; at < a.border() && (!found || at < t) {
			t, found = at, true
		}
	}
	return t, found, nil
}

// Count implements store.Archive.
func (a *memArchive) Count(_ context.Context, r store.ArchiveRange) (n int64, err error) {
	for _, j := range a.rows.events {
		if j.event.Sub == 0 && j.event.EventTime >= r.Windows[0] && j.event.EventTime < r.Windows[len(r.Windows)-1] {
			n++
		}
	}
	return n, nil
}

// Events implements store.Archive.
func (a *memArchive) Events(_ context.Context, r store.ArchiveRange,
	yield func(int, *store.ArchivedEvent) error) error {
	rows := slices.Clone(a.rows.events)
	slices.SortStableFunc(rows, func(x, y joined) int {
		return cmp.Or(cmp.Compare(x.event.Row, y.event.Row), cmp.Compare(x.event.Sub, y.event.Sub))
	})
	for w := range len(r.Windows) - 1 {
		for i, j := range rows {
			at := j.event.EventTime
			if j.event.Sub != 0 || at < r.Windows[w] || at >= r.Windows[w+1] || j.session == nil ||
				j.session.Start < r.SessionsFrom {
				continue
			}
			e := store.ArchivedEvent{EventRow: j.event, ClientID: j.session.ClientID, SessionID: j.session.SessionID,
				Sessionless: !j.session.Counted}
			e.Part = j.id
			for _, beside := range rows[i+1:] {
				if beside.event.Row != e.Row {
					break
				}
				e.SessionStart = e.SessionStart || beside.event.Sub == 1
				e.FirstVisit = e.FirstVisit || beside.event.Sub == 2
			}
			if err := yield(w, &e); err != nil {
				return err
			}
		}
	}
	return nil
}

// Clients implements store.Archive.
func (a *memArchive) Clients(_ context.Context, before event.Time, yield func(*store.ArchivedClient) error) error {
	before = min(before, a.border())
	sessions := slices.Clone(a.rows.sessions)
	slices.SortFunc(sessions, func(x, y store.SessionRow) int { return cmp.Compare(x.Start, y.Start) })
	clients := map[event.RowID]*store.ArchivedClient{}
	for _, s := range sessions {
		if s.Start >= before {
			continue
		}
		c := clients[s.Client]
		if c == nil {
			c = &store.ArchivedClient{Client: s.Client, ClientID: s.ClientID, Verdict: s.Verdict, First: s.Start}
			clients[s.Client] = c
		}
		if !s.Counted {
			continue
		}
		if c.Sessions++; c.Sessions == 1 {
			c.FirstSession = s.Start
		}
		c.FirstSource = store.Source{Source: s.FirstUserSource, Medium: s.FirstUserMedium, Campaign: s.FirstUserCampaign}
		if s.OwnSource {
			c.HasOwn, c.LastOwn = true, s.Start
			c.LastSource = store.Source{Source: s.Source, Medium: s.Medium, Campaign: s.Campaign}
		}
	}
	for _, c := range clients {
		if err := yield(c); err != nil {
			return err
		}
	}
	return nil
}

func (a *memArchive) border() event.Time {
	if !a.isFinal {
		return math.MinInt64
	}
	return a.until
}

// ReplaceFinal implements store.Store. Segments are found on the disk that both
// stores share.
func (s *Mem) ReplaceFinal(_ context.Context, m store.Manifest, r store.Replacement) (*store.Change, error) {
	if until, ok := m.FinalUntil[r.Property]; !ok || r.To > until || r.From >= r.To {
		return nil, errNotFinal
	}
	change := &store.Change{Added: slices.Clone(r.Segments)}
	gone := func(p event.PropertyID, at event.Time) bool { return p == r.Property && at >= r.From && at < r.To }
	for _, seg := range m.Segments {
		rows, _ := s.disk.read(seg.ID)
		var rest tableRows
		switch seg.Table {
		case store.FinalEvents:
			rest.finals = slices.DeleteFunc(slices.Clone(rows.finals), func(j joined) bool {
				return gone(j.event.Property, j.event.EventTime)
			})
		case store.FinalSessions:
			rest.sessions = slices.DeleteFunc(slices.Clone(rows.sessions), func(x store.SessionRow) bool {
				return gone(x.Property, x.Start)
			})
		default:
			continue
		}
		change.Removed = append(change.Removed, seg.ID)
		if len(rest.finals)+len(rest.sessions) > 0 {
			change.Added = append(change.Added, s.disk.write(seg.Table, rest))
		}
	}
	return change, nil
}
