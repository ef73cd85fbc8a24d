// The keeper of MemShared. Rows stay as they were inserted, for ever: what is final, erased or dropped is
// remembered beside them, and asked for when a plan is answered. Each step is one critical section (U5).
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// kept is what upkeep has committed.
type kept struct {
	term     uint64
	manifest store.Manifest
	runs     uint64
	// dropped are rows of days that have no rows any more, with the local times that they had.
	dropped tableRows
	// instead are rows that were put in the place of others, in order.
	instead []part
	carried []store.Erasure
	erased  map[event.PropertyID]int64
}

// memKeeper is one term.
type memKeeper struct {
	m    *MemShared
	term uint64
}

// Keep implements store.Shared.
func (m *MemShared) Keep(ctx context.Context, term uint64) (store.Keeper, error) {
	if term == 0 {
		return nil, errors.New("terms are larger than 0")
	}
	k := &memKeeper{m, term}
	err := m.call(ctx, func(rows *SharedRows) error {
		if term < rows.kept.term {
			return fmt.Errorf("term %d after %d: %w", term, rows.kept.term, store.ErrTermOver)
		}
		rows.kept.term = term
		return nil
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// call runs f if the term is not over.
func (k *memKeeper) call(ctx context.Context, f func(*SharedRows) error) error {
	return k.m.call(ctx, func(rows *SharedRows) error {
		if k.term != rows.kept.term {
			return fmt.Errorf("term %d, now it is %d: %w", k.term, rows.kept.term, store.ErrTermOver)
		}
		return f(rows)
	})
}

// Manifest implements store.Keeper.
func (k *memKeeper) Manifest() store.Manifest {
	k.m.rows.mu.Lock()
	defer k.m.rows.mu.Unlock()
	return k.m.rows.kept.manifest.Clone()
}

// OpenSessions implements store.Keeper.
func (k *memKeeper) OpenSessions(ctx context.Context, finalThrough event.Time) (out map[event.PropertyID]store.Open, err error) {
	err = k.call(ctx, func(rows *SharedRows) error {
		out = openSessions(rows.parts(), rows.kept.manifest, finalThrough)
		return nil
	})
	return out, err
}

// Finalize implements store.Keeper.
func (k *memKeeper) Finalize(ctx context.Context, until map[event.PropertyID]event.Time) error {
	return k.call(ctx, func(rows *SharedRows) error {
		m := rows.kept.manifest.Clone()
		further := map[event.PropertyID]event.Time{}
		parts := rows.parts()
		rows.kept.runs++
		for p, to := range until {
			from := finalUntil(m, p)
			if to <= from {
				continue
			}
			further[p] = to
			if len(withinTimes(resolve(parts, store.Manifest{}, p), from, to)) > 0 {
				if m.Finals == nil {
					m.Finals = map[event.PropertyID][]store.FinalRange{}
				}
				m.Finals[p] = append(slices.Clone(m.Finals[p]), store.FinalRange{From: from, To: to, Run: rows.kept.runs, Edition: 1})
			}
		}
		m.NoteFinal(further)
		rows.kept.manifest = m
		return nil
	})
}

// FirstFinal implements store.Keeper.
func (k *memKeeper) FirstFinal(ctx context.Context, p event.PropertyID, from, to event.Time) (first event.Time, err error) {
	err = k.call(ctx, func(rows *SharedRows) error {
		first = to
		m := rows.kept.manifest
		if times := withinTimes(resolve(rows.parts(), store.Manifest{}, p), from, min(to, finalUntil(m, p))); len(times) > 0 {
			first = times[0]
		}
		return nil
	})
	return first, err
}

// RollUp implements store.Keeper: MemShared answers from rows always.
func (k *memKeeper) RollUp(ctx context.Context, spans []store.RollupSpan, made map[event.PropertyID]store.RollupRange) error {
	return k.call(ctx, func(rows *SharedRows) error {
		m := rows.kept.manifest.Clone()
		for _, sp := range spans {
			if sp.To > finalUntil(m, sp.Property) {
				return errors.New("days to roll up are not final")
			}
		}
		for p, r := range made {
			m.NoteRollup(p, r)
		}
		rows.kept.manifest = m
		return nil
	})
}

// Erasures implements store.Keeper.
func (k *memKeeper) Erasures(ctx context.Context) (out []store.Erasure, err error) {
	err = k.call(ctx, func(rows *SharedRows) error {
		out = rows.erasures()
		return nil
	})
	return out, err
}

// Erasures implements store.Shared.
func (m *MemShared) Erasures(ctx context.Context) (out []store.Erasure, err error) {
	err = m.call(ctx, func(rows *SharedRows) error {
		out = rows.erasures()
		return nil
	})
	return out, err
}

func (rows *SharedRows) erasures() (out []store.Erasure) {
	for _, b := range rows.visible() {
		for _, e := range b.Erasures {
			if !slices.Contains(rows.kept.carried, e) {
				out = append(out, e)
			}
		}
	}
	return out
}

// Erase implements store.Keeper.
func (k *memKeeper) Erase(ctx context.Context, of []store.Erasure, at event.Time, days store.DaysAround) (
	touched map[event.PropertyID][2]event.Time, err error) {
	touched = map[event.PropertyID][2]event.Time{}
	err = k.call(ctx, func(rows *SharedRows) error {
		m := rows.kept.manifest.Clone()
		before := rows.parts()
		carried := append(slices.Clone(rows.kept.carried), of...)
		after := partsOf(rows.visible(), rows.kept.instead, carried, &m)
		for _, p := range properties(before) {
			all, rest := resolve(before, store.Manifest{}, p), resolve(after, store.Manifest{}, p)
			lost := lostTimes(all, rest, &m, p)
			rows.kept.erased[p] += int64(countedEvents(all) - countedEvents(rest))
			if len(lost) == 0 {
				continue
			}
			touched[p] = [2]event.Time{lost[0], lost[len(lost)-1]}
			from, to := days(p, lost[0], lost[len(lost)-1])
			m.NoteErased(p, store.Restated{At: at, From: from, To: to})
			for i, r := range m.Finals[p] {
				if slices.ContainsFunc(lost, func(t event.Time) bool { return r.From <= t && t < r.To }) {
					m.Finals[p] = slices.Clone(m.Finals[p])
					m.Finals[p][i].Edition++
				}
			}
		}
		rows.kept.manifest, rows.kept.carried = m, carried
		return nil
	})
	return touched, err
}

// DropRows implements store.Keeper.
func (k *memKeeper) DropRows(ctx context.Context, spans []store.RollupSpan) error {
	return k.call(ctx, func(rows *SharedRows) error {
		m := rows.kept.manifest.Clone()
		var dropped tableRows
		for _, sp := range spans {
			from, gone := m.RowsFrom(sp.Property)
			if gone && sp.To <= from {
				continue
			}
			zone, ok := m.CellsZone(sp.Property, sp.To)
			if until, final := m.FinalUntil[sp.Property]; !ok || !final || sp.To > until {
				return errors.New("days to drop are not final, or have no cells")
			}
			rel := resolve(rows.parts(), store.Manifest{}, sp.Property)
			for _, j := range rel.events {
				if j.event.EventTime < sp.To {
					j.event.EventTime = sp.Zone.Local(j.event.EventTime)
					dropped.finals = append(dropped.finals, j)
				}
			}
			for _, s := range rel.sessions {
				// Those that began before rows begin were counted with their day.
				if s.Start < sp.To && (!gone || s.Start >= from) {
					offset := sp.Zone.Local(s.Start) - s.Start
					s.Start, s.End = s.Start+offset, s.End+offset
					dropped.sessions = append(dropped.sessions, s)
				}
			}
			m.WithoutRows(sp.Property, sp.To, zone)
		}
		rows.kept.manifest = m
		rows.kept.dropped.finals = append(slices.Clip(rows.kept.dropped.finals), dropped.finals...)
		rows.kept.dropped.sessions = append(slices.Clip(rows.kept.dropped.sessions), dropped.sessions...)
		return nil
	})
}

// Tidy implements store.Keeper. Nothing is ever in the way here.
func (k *memKeeper) Tidy(ctx context.Context) error {
	return k.call(ctx, func(*SharedRows) error { return nil })
}

// Manifest implements store.Snapshot.
func (sn *sharedSnapshot) Manifest() store.Manifest { return sn.manifest.Clone() }
