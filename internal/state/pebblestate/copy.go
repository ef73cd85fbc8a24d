// Copy: the state as of its last commit, beside the one that goes on.
package pebblestate

import (
	"context"
	"fmt"
)

// Copy makes dir, which must not exist, a state that holds exactly what the last
// commit made durable. Tables are hard links, so dir must be on the same file
// system to be cheap; the WAL is copied. Nothing in dir changes any more, and
// whoever wants it gone removes it.
//
// It waits for a commit that is under way: Abandon must be called before. The
// memtable is not flushed: a table for each copy would be compacted, and thereby
// written and saved, again and again (docs/design/0016).
func (s *State) Copy(ctx context.Context, dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("copy processor state to %s: %w", dir, mark(err))
	}
	return nil
}
