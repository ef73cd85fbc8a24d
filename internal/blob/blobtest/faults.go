// Faults: a store that fails when it is told to.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"

	"tidemark/internal/blob"
)

// Fault is how a call goes wrong.
type Fault int

// The faults. Those that make no sense for a call are as Before.
const (
	None   Fault = iota
	Before       // nothing happens, and the call fails
	After        // it happens, and the call fails all the same
	Short        // a Get ends in the middle, with an error
	Flip         // a Get gives one wrong byte, in place of what was there
)

// ErrInjected is what calls fail with. It is ErrAway as well.
var ErrInjected = errors.New("injected fault")

// Call is one call of a store.
type Call struct {
	N    int // from 1, over all calls
	Verb string
	Key  string
}

// Faults is a store over another one. Decide may be called from any goroutine.
type Faults struct {
	Store  blob.Store
	Decide func(Call) Fault
	calls  atomic.Int64
}

var _ blob.Store = (*Faults)(nil)

// Calls returns how many calls there were.
func (f *Faults) Calls() int { return int(f.calls.Load()) }

func (f *Faults) decide(verb, key string) Fault {
	return f.Decide(Call{int(f.calls.Add(1)), verb, key})
}

func injected() error { return errors.Join(ErrInjected, blob.ErrAway) }

func (f *Faults) change(verb, key string, do func() error) error {
	fault := f.decide(verb, key)
	if fault != None && fault != After {
		return injected()
	}
	if err := do(); err != nil || fault == None {
		return err
	}
	return injected()
}

// Put implements blob.Store.
func (f *Faults) Put(ctx context.Context, key string, c blob.Content) error {
	return f.change("put", key, func() error { return f.Store.Put(ctx, key, c) })
}

// Create implements blob.Store.
func (f *Faults) Create(ctx context.Context, key string, c blob.Content) error {
	return f.change("create", key, func() error { return f.Store.Create(ctx, key, c) })
}

// Delete implements blob.Store.
func (f *Faults) Delete(ctx context.Context, key string) error {
	return f.change("delete", key, func() error { return f.Store.Delete(ctx, key) })
}

// List implements blob.Store.
func (f *Faults) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	if f.decide("list", prefix) == None {
		return f.Store.List(ctx, prefix)
	}
	return func(yield func(blob.Info, error) bool) { yield(blob.Info{}, injected()) }
}

// Get implements blob.Store.
func (f *Faults) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	fault := f.decide("get", key)
	if fault == Before || fault == After {
		return nil, injected()
	}
	r, err := f.Store.Get(ctx, key)
	if err != nil || fault == None {
		return r, err
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if fault == Short {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), failing{})), nil
	}
	content := blob.Bytes(bytes.Clone(b))
	if len(b) > 0 {
		b[len(b)/3] ^= 0x20
	}
	return blob.Verify(io.NopCloser(bytes.NewReader(b)), content.Size, content.Sum), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, injected() }
