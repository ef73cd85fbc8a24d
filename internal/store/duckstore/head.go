// Heads: generations of rows in memory. A head is three tables that only grow.
// What a snapshot sees of a head is a number of rows per table (T1, T2).
// No reader waits for the writer or the other way round, and rows take no memory of the
// engine: no query can keep them out.
package duckstore

import (
	"errors"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// head is one generation. rows, low and refs are guarded by Store.mu; the rest is the writer's.
type head struct {
	id     store.Head
	mem    arena
	tables [3]*memTable // in the order of youngTables
	scans  [3]uint64    // by which SQL knows them
	rows   headRows     // what Append has completed
	low    bounds       // of all rows of events
	refs   int          // the store's own, one per snapshot, one per write
}

// headRows is how many rows of each table are visible.
type headRows struct{ events, sessions, aliases int64 }

// bounds are the lowest and highest EventTime and property of rows.
type bounds struct {
	set                      bool
	minTime, maxTime         event.Time
	minProperty, maxProperty event.PropertyID
	needed                   event.Time // of segments: Segment.LastNeeded
}

func (b *bounds) add(t event.Time, p event.PropertyID) {
	if !b.set {
		*b = bounds{set: true, minTime: t, maxTime: t, minProperty: p, maxProperty: p}
		return
	}
	b.minTime, b.maxTime = min(b.minTime, t), max(b.maxTime, t)
	b.minProperty, b.maxProperty = min(b.minProperty, p), max(b.maxProperty, p)
}

// youngTables are the tables of a head.
func youngTables() []store.Table {
	return []store.Table{store.YoungEvents, store.YoungSessions, store.YoungAliases}
}

// place is where a head keeps a table.
func place(t store.Table) int {
	switch t {
	case store.YoungSessions:
		return 1
	case store.YoungAliases:
		return 2
	}
	return 0
}

// newHead makes a head without rows.
func (s *Store) newHead(id store.Head) *head {
	h := &head{id: id, refs: 1}
	for i, t := range youngTables() {
		h.tables[i] = newMemTable(s.schema[t], &h.mem)
		h.scans[i] = s.scans.add(h.tables[i], nil)
	}
	return h
}

// source is the first n rows of a table, as SQL names them; of one property, or of all (0).
func (h *head) source(t store.Table, n int64, p event.PropertyID) string {
	return scanOf(h.scans[place(t)], n, p)
}

// append adds b. After an error none of it is visible, and the head takes no more rows.
func (h *head) append(b *store.Batch) error {
	events, sessions, aliases := h.tables[0], h.tables[1], h.tables[2]
	for i := range b.Events {
		if err := events.event(&b.Events[i]); err != nil {
			return err
		}
	}
	for i := range b.Sessions {
		if err := sessions.session(&b.Sessions[i]); err != nil {
			return err
		}
	}
	for i := range b.Aliases {
		if err := aliases.alias(&b.Aliases[i]); err != nil {
			return err
		}
	}
	for _, t := range h.tables {
		t.publish()
	}
	return nil
}

// drop gives the memory of a head back. No scan of it is left.
func (s *Store) drop(h *head) error {
	for i := range h.tables {
		s.scans.remove(h.scans[i])
		h.tables[i].forget()
	}
	s.tel.headBytes.Sub(float64(h.mem.size))
	if err := h.mem.release(); err != nil {
		return errors.Join(fmt.Errorf("drop head %d", h.id), err)
	}
	return nil
}
