// Clients: all records of a partition, for taking them elsewhere.
package pebblestate

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

var _ state.Lister = (*State)(nil)

// Clients implements state.Lister: it calls yield with the key and record of every client of p, by key. yield must not keep the slices.
func (s *State) Clients(ctx context.Context, p event.Partition, yield func(key, value []byte) error) (err error) {
	from := appendClientKey(nil, p, nil)
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: endOf(p)})
	if err != nil {
		return fmt.Errorf("read clients of partition %d: %w", p, mark(err))
	}
	defer func() {
		if cerr := it.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("read clients of partition %d: %w", p, mark(cerr))
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		value, err := open(it.Value())
		if err != nil {
			return fmt.Errorf("read clients of partition %d: %w", p, err)
		}
		if err := yield(it.Key()[len(from):], value); err != nil {
			return err
		}
	}
	return nil // what went wrong is told by Close
}

// endOf is the first key behind those of p's clients.
func endOf(p event.Partition) []byte {
	if p == 1<<16-1 {
		return []byte{clientPrefix + 1}
	}
	return appendClientKey(nil, p+1, nil)
}
