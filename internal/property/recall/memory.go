// Memory: the last answer to each question, as many as there is room for.
package recall

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// entry is an answer and when it was asked for.
type entry[V any] struct {
	value V
	asked time.Time
}

type memory[K comparable, V any] struct {
	cache *otter.Cache[K, entry[V]]
	// generation grows with each forget, so that an answer that was under way is not put back.
	generation atomic.Uint64
	mu         sync.Mutex // orders put and forget
}

func newMemory[K comparable, V any](entries int) *memory[K, V] {
	return &memory[K, V]{cache: otter.Must(&otter.Options[K, entry[V]]{MaximumSize: entries})}
}

func (m *memory[K, V]) get(key K) (entry[V], bool) { return m.cache.GetIfPresent(key) }

// put remembers an answer to a question that was asked in a generation.
func (m *memory[K, V]) put(key K, e entry[V], generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.generation.Load() == generation {
		m.cache.Set(key, e)
	}
}

// drop forgets what the registry does not know. It leaves answers under way alone: strangers may cause it at will.
func (m *memory[K, V]) drop(key K) { m.cache.Invalidate(key) }

// forget forgets what was changed here, and what is under way.
func (m *memory[K, V]) forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation.Add(1)
	m.cache.Invalidate(key)
}
