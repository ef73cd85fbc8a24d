// Compaction and finalization.
package duckstore

import (
	"context"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, m store.Manifest) (*store.Change, error) {
	return nil, nil
}

// OpenSessions implements store.Store.
func (s *Store) OpenSessions(ctx context.Context, m store.Manifest, finalThrough event.Time) (map[event.PropertyID]store.Open, error) {
	return nil, nil
}

// Finalize implements store.Store.
func (s *Store) Finalize(ctx context.Context, m store.Manifest, until map[event.PropertyID]event.Time) (*store.Change, error) {
	return nil, nil
}
