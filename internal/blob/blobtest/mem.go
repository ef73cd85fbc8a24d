// Mem: objects in memory, for tests that make very many of them.
package blobtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"tidemark/internal/blob"
)

// Mem is a store of one process. The zero value is ready.
type Mem struct {
	mu      sync.Mutex
	objects map[string][]byte
}

var _ blob.Store = (*Mem)(nil)

func (m *Mem) put(ctx context.Context, key string, c blob.Content, replace bool) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	b, err := io.ReadAll(blob.Verify(io.NopCloser(c.Reader()), c.Size, c.Sum))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there && !replace {
		return fmt.Errorf("create object %s: %w", key, blob.ErrExists)
	}
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key] = b
	return nil
}

// Put implements blob.Store.
func (m *Mem) Put(ctx context.Context, key string, c blob.Content) error {
	return m.put(ctx, key, c, true)
}

// Create implements blob.Store.
func (m *Mem) Create(ctx context.Context, key string, c blob.Content) error {
	return m.put(ctx, key, c, false)
}

// Get implements blob.Store.
func (m *Mem) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, there := m.objects[key]
	if !there {
		return nil, fmt.Errorf("get object %s: %w", key, blob.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(b)), ctx.Err()
}

// List implements blob.Store.
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		err := blob.CheckPrefix(prefix)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(blob.Info{}, err)
			return
		}
		m.mu.Lock()
		objects := maps.Clone(m.objects)
		m.mu.Unlock()
		for _, key := range slices.Sorted(maps.Keys(objects)) {
			if strings.HasPrefix(key, prefix) && !yield(blob.Info{Key: key, Size: int64(len(objects[key]))}, nil) {
				return
			}
		}
	}
}

// Delete implements blob.Store.
func (m *Mem) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}
