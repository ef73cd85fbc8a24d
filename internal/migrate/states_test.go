// States of a cluster in memory.
package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/state"
)

// keptStates implements owned.States.
type keptStates struct {
	mu    sync.Mutex
	named map[string]keptState
}

// keptState is a state as it was saved; it is a state.State as well.
type keptState struct {
	meta    *state.Meta
	clients map[string]string
}

func (k keptState) clone() keptState {
	out := keptState{clients: maps.Clone(k.clients)}
	if k.meta != nil {
		m := *k.meta
		m.Partitions, m.Marks = slices.Clone(m.Partitions), slices.Clone(m.Marks)
		out.meta = &m
	}
	return out
}

func (k *keptStates) Owner(event.Partition, uint64) (owned.OwnerStates, error) { return k, nil }

func (k *keptStates) Open(_ context.Context, name string) (state.State, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept, ok := k.named[name]
	if name != "" && !ok {
		return nil, fmt.Errorf("state %q is not there: %w", name, state.ErrCorrupt)
	}
	s := &memState{keptState: kept.clone()}
	if s.clients == nil {
		s.clients = map[string]string{}
	}
	return s, nil
}

func (k *keptStates) Save(_ context.Context, name string, s state.State) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.named[name] = s.(*memState).keptState.clone()
	return nil
}

func (k *keptStates) Prune(context.Context, string) error { return nil }

type memState struct{ keptState }

func (s *memState) Load(context.Context) (*state.Meta, error) { return s.clone().meta, nil }

func (s *memState) Client(p event.Partition, key []byte) ([]byte, error) {
	if v, ok := s.clients[fmt.Sprint(p, string(key))]; ok {
		return []byte(v), nil
	}
	return nil, nil
}

func (s *memState) Begin() state.Commit {
	return &memCommit{state: s, set: map[string]*string{}}
}
func (s *memState) Purge(context.Context, event.Partition, [][]byte) error { return nil }
func (s *memState) Close() error                                           { return nil }

type memCommit struct {
	state *memState
	set   map[string]*string
}

func (c *memCommit) InOrder() {}

func (c *memCommit) Client(p event.Partition, key, value []byte) error {
	name := fmt.Sprint(p, string(key))
	if c.set[name] = nil; value != nil {
		v := string(value)
		c.set[name] = &v
	}
	return nil
}

func (c *memCommit) Finish(_ context.Context, m *state.Meta) error {
	for k, v := range c.set {
		if v == nil {
			delete(c.state.clients, k)
		} else {
			c.state.clients[k] = *v
		}
	}
	c.state.meta = keptState{meta: m}.clone().meta
	return nil
}

func (c *memCommit) Abandon() {}
