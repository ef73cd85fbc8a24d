// Erasures that wait to be carried out, for whoever ordered one.
package clickstore

import (
	"context"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Erasures implements store.Shared.
func (s *Store) Erasures(ctx context.Context) ([]store.Erasure, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	st, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return s.erasures(ctx, st)
}

// erasures returns the published erasures that were not carried out, as of a state. Where one was carried out
// and forgotten in between, it is in neither.
func (s *Store) erasures(ctx context.Context, st *state) ([]store.Erasure, error) {
	seen, err := s.visible(ctx)
	if err != nil {
		return nil, err
	}
	done := map[store.Erasure]bool{}
	for _, d := range st.docs {
		for _, e := range d.Done {
			done[e] = true
		}
	}
	var out []store.Erasure
	err = s.query(ctx, "SELECT property, client_id, before\nFROM erasures\nWHERE "+seen.condition("")+
		"\nORDER BY batch_log, batch_partition, batch_seq, batch_block, place", func(d *decoder) {
		e := store.Erasure{Property: event.PropertyID(d.uint64()), ClientID: d.text(), Before: event.RowID(d.uint64())}
		if !done[e] {
			out = append(out, e)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("find erasures: %w", queryError(err))
	}
	return out, nil
}
