// Commit: a batch in memory or, if much is changed in the order of keys, tables.
package pebblestate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

type commit struct {
	state   *State
	mu      sync.Mutex
	batch   *pebble.Batch
	ordered bool
	out     *tables // what was in the batch and what follows; nil: all is in the batch
	buf     []byte
}

// InOrder implements state.Commit.
func (c *commit) InOrder() { c.ordered = true }

func (c *commit) Client(p event.Partition, key, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = appendClientKey(c.buf[:0], p, key)
	n := len(c.buf)
	if value == nil {
		return c.set(c.buf, nil)
	}
	c.buf = seal(c.buf, value)
	return c.set(c.buf[:n], c.buf[n:])
}

// set changes a key; nil deletes it.
func (c *commit) set(key, sealed []byte) error {
	if c.out == nil && c.ordered && c.batch.Len() >= c.state.mayBatch() {
		if err := c.spill(); err != nil {
			return err
		}
	}
	switch {
	case c.out != nil:
		return c.out.set(key, sealed)
	case sealed == nil:
		return c.batch.Delete(key, nil)
	}
	return c.batch.Set(key, sealed, nil)
}

// mayBatch is from how many bytes on a commit in order becomes tables. After a large one
// the next is expected to be large, and a batch that grows to megabytes to be thrown away
// would be the garbage of each checkpoint.
func (s *State) mayBatch() int {
	if s.large {
		return min(s.spill, expectLarge)
	}
	return s.spill
}

// spill goes over to tables.
func (c *commit) spill() error {
	c.out = &tables{state: c.state}
	for r := c.batch.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return fmt.Errorf("read batch of processor state: %w", err)
		}
		if !ok {
			c.batch.Reset()
			return nil
		}
		if kind == pebble.InternalKeyKindDelete {
			value = nil
		}
		if err := c.out.set(key, value); err != nil {
			return err
		}
	}
}

func (c *commit) Finish(ctx context.Context, m *state.Meta) error {
	m.Version = state.FormatVersion
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode processor state: %w", err)
	}
	if err := c.set([]byte{metaKey}, seal(nil, b)); err != nil { // the last key there is
		return err
	}
	if c.ordered {
		c.state.large = c.out != nil && c.out.total >= c.state.spill
	}
	if c.out != nil {
		return c.out.ingest(ctx)
	}
	if err := c.batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit processor state: %w", mark(err))
	}
	return nil
}

func (c *commit) Abandon() {
	if c.batch == nil {
		return
	}
	_ = c.batch.Close() // it holds memory only
	if c.out != nil {
		c.out.abandon()
	}
	c.batch, c.out = nil, nil
	c.state.mu.Unlock()
}
