// Heads: generations of rows in memory. A head is three tables that only grow.
// What a snapshot sees of a head is a number of rows per table (T1, T2):
// row ids of a table without deletes are positions, so `rowid < n` is exactly
// what had been appended when the snapshot was taken. No transaction is held
// open for a snapshot, and no reader waits for the writer or the other way round.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// head is one generation. rows is guarded by Store.mu; the rest by the writer.
type head struct {
	id     store.Head
	conn   *conn
	events *chunkWriter
	sess   *chunkWriter
	alias  *chunkWriter
	rows   headRows // what Append has completed
	low    bounds   // of all rows of events
	refs   int      // the store's own, one per snapshot, one per write; guarded by Store.mu
	// spoiled: an append failed. older are spoiled heads that go with this one.
	spoiled bool
	older   []*head
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

func headTable(t store.Table, id store.Head) string {
	return fmt.Sprintf("head_%s_%d", t, id)
}

// youngTables are the tables of a head.
func youngTables() []store.Table {
	return []store.Table{store.YoungEvents, store.YoungSessions, store.YoungAliases}
}

// newHead creates the tables of a head and opens them for appending.
func (s *Store) newHead(id store.Head) (*head, error) {
	cn, err := s.reader.get()
	if err != nil {
		return nil, err
	}
	h := &head{id: id, conn: cn, refs: 1}
	var made []store.Table
	for _, t := range youngTables() {
		q := fmt.Sprintf("CREATE TABLE %s (%s)", headTable(t, id), s.schema.ddl(t))
		if err = cn.exec(context.Background(), q); err != nil {
			break
		}
		made = append(made, t)
	}
	if err == nil {
		err = h.openWriters()
	}
	if err != nil {
		h.stopAppending(s)
		return nil, errors.Join(fmt.Errorf("create head %d: %w", id, err), s.dropTables(id, made))
	}
	return h, nil
}

// openWriters opens the tables of h for appending.
func (h *head) openWriters() (err error) {
	if h.events, err = newChunkWriter(h.conn, headTable(store.YoungEvents, h.id)); err != nil {
		return err
	}
	if h.sess, err = newChunkWriter(h.conn, headTable(store.YoungSessions, h.id)); err != nil {
		return err
	}
	h.alias, err = newChunkWriter(h.conn, headTable(store.YoungAliases, h.id))
	return err
}

// append adds b in one transaction. After an error none of it is visible, and the
// tables take no more rows (roll).
func (h *head) append(ctx context.Context, b *store.Batch) error {
	if err := h.conn.exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	err := h.write(b)
	if err != nil {
		err = errors.Join(err, h.conn.exec(context.Background(), "ROLLBACK"))
	} else {
		err = h.conn.exec(context.Background(), "COMMIT")
	}
	if err == nil {
		return nil
	}
	h.spoiled = true
	return err
}

// roll opens new tables behind those of h, which a failed append has spoiled: an
// engine that finds no memory for a COMMIT was seen to give the rows that come after it the
// contents of others. What is visible of h stays; sealed, written and dropped, both are one
// head.
func (s *Store) roll(h *head) (*head, error) {
	s.mu.Lock()
	id := s.nextHead
	s.nextHead++
	s.mu.Unlock()
	next, err := s.newHead(id)
	if err != nil {
		return nil, fmt.Errorf("open new tables after a failed append: %w", err)
	}
	next.older = append(slices.Clone(h.older), h)
	s.mu.Lock()
	s.heads = append(slices.Clone(s.heads), next)
	s.mu.Unlock()
	h.stopAppending(s)
	return next, nil
}

// all returns h and the tables before it that were spoiled.
func (h *head) all() []*head { return append(slices.Clone(h.older), h) }

func (h *head) write(b *store.Batch) error {
	for i := range b.Events {
		if err := h.events.event(&b.Events[i]); err != nil {
			return err
		}
	}
	for i := range b.Sessions {
		if err := h.sess.session(&b.Sessions[i]); err != nil {
			return err
		}
	}
	for i := range b.Aliases {
		if err := h.alias.alias(&b.Aliases[i]); err != nil {
			return err
		}
	}
	return errors.Join(h.events.flush(), h.sess.flush(), h.alias.flush())
}

// stopAppending frees what only the writer of the head needs.
func (h *head) stopAppending(s *Store) {
	h.closeWriters()
	if h.conn != nil {
		s.reader.put(h.conn)
		h.conn = nil
	}
}

func (h *head) closeWriters() {
	for _, w := range []*chunkWriter{h.events, h.sess, h.alias} {
		if w != nil {
			w.close()
		}
	}
	h.events, h.sess, h.alias = nil, nil, nil
}

// drop removes the head's tables.
func (s *Store) drop(h *head) error {
	h.stopAppending(s)
	return s.dropTables(h.id, youngTables())
}

func (s *Store) dropTables(id store.Head, tables []store.Table) error {
	for _, t := range tables {
		if err := s.reader.exec(context.Background(), "DROP TABLE "+headTable(t, id)); err != nil {
			return fmt.Errorf("drop head %d: %w", id, err)
		}
	}
	return nil
}
