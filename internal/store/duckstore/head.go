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

// append adds b in one transaction. After an error none of it is in the tables,
// and it may be tried again.
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
	// What is left in the writers must not come with the next rows.
	h.closeWriters()
	if opened := h.openWriters(); opened != nil {
		return fmt.Errorf("append after %v: %w", err, opened)
	}
	return err
}

// checkPositions says whether K1 holds with b in the tables. Row ids of rows
// that were rolled back are given again, but that is not promised.
func (h *head) checkPositions(b *store.Batch) error {
	for t, want := range map[store.Table]int64{
		store.YoungEvents:   h.rows.events + int64(len(b.Events)),
		store.YoungSessions: h.rows.sessions + int64(len(b.Sessions)),
		store.YoungAliases:  h.rows.aliases + int64(len(b.Aliases)),
	} {
		q := "SELECT count(*), coalesce(max(rowid), -1) FROM " + headTable(t, h.id)
		err := h.conn.query(context.Background(), q, func(r *result) error {
			if n, last := r.int64(0, 0), r.int64(1, 0); n != want || last != want-1 {
				return fmt.Errorf("%s has %d rows up to row id %d, want %d", headTable(t, h.id), n, last, want)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("check positions: %w", err)
		}
	}
	return nil
}

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
