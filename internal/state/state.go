// The State contract and the values that cross it.
package state

import (
	"context"
	"errors"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// ErrCorrupt: bytes on disk are not those that were written.
var ErrCorrupt = errors.New("processor state is corrupt")

// State keeps the processor's memory.
type State interface {
	// Load returns the last commit's Meta, or nil if there was none.
	Load(ctx context.Context) (*Meta, error)
	// Client returns the record of a client, or nil. The caller owns it.
	Client(p event.Partition, key []byte) ([]byte, error)
	// Begin starts a commit. One may be under way at a time.
	Begin() Commit
	// Purge rewrites the files that may hold former values of keys that were deleted,
	// so that no table does any more (S30). Write-ahead logs may until they are reused.
	Purge(ctx context.Context, p event.Partition, keys [][]byte) error
	Close() error
}

// Commit gathers what becomes durable together.
type Commit interface {
	// InOrder promises, before the first call of Client, that keys come in ascending
	// order, by partition and then by bytes, and each once. A large commit then needs
	// little memory.
	InOrder()
	// Client sets a client's record; nil deletes it (S30). It may be called from several goroutines
	// and does not keep the slices.
	Client(p event.Partition, key, value []byte) error
	// Finish makes everything set, and m, durable as one (C1).
	Finish(ctx context.Context, m *Meta) error
	// Abandon drops the commit. It may be called after Finish.
	Abandon()
}

// FormatVersion is of Meta and of what hangs on it. A reader refuses others.
const FormatVersion = 1

// Meta is a commit without its client records.
type Meta struct {
	Version    int         `json:"version"`
	Sequence   uint64      `json:"sequence"`   // grows by one with each commit
	Generation uint64      `json:"generation"` // of the log
	Partitions []Partition `json:"partitions"`

	Manifest store.Manifest `json:"manifest"`
	// Marks remember where the log stood, oldest first, so that it can be cut by age.
	Marks []Mark `json:"marks"`
	// Erasures are clients whose rows are to be removed, in order (S30).
	Erasures []store.Erasure `json:"erasures,omitempty"`
	// Erased is how many stored events erasures have removed.
	Erased map[event.PropertyID]int64 `json:"erased,omitempty"`
	// Restatements say which final days were changed afterwards, oldest first (S29).
	Restatements map[event.PropertyID][]Restatement `json:"restatements,omitempty"`
}

// Restatement says that final rows of [From, To) were changed at At, a ProcessTime.
type Restatement struct {
	At   event.Time `json:"at"`
	Why  string     `json:"why"`
	From event.Time `json:"from"`
	To   event.Time `json:"to"`
}

// Mark says that records before Next were folded when the slowest partition's
// clock stood at IngestTime.
type Mark struct {
	IngestTime event.Time     `json:"ingest_time"`
	Next       []event.Offset `json:"next"`
}

// Partition is how far one partition was folded, and what its fold knows
// beside clients.
type Partition struct {
	Next event.Offset `json:"next"` // first offset not folded
	// Fold is the fold's own snapshot, opaque here.
	Fold []byte `json:"fold"`
}

// Lister is a State that tells all of its clients, for taking them elsewhere.
type Lister interface {
	// Clients calls yield with the key and record of every client of p, as of the last commit, also while others are
	// made. yield must not keep the slices.
	Clients(ctx context.Context, p event.Partition, yield func(key, value []byte) error) error
}
