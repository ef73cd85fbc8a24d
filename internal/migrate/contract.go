// What a move needs of both sides.
package migrate

import (
	"context"
	"errors"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/intent"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// Errors that end a move: trying again does not help. Adapters wrap them.
var (
	// ErrRefused: something about the two sides rules the move out.
	ErrRefused = errors.New("cannot be moved")
	// ErrForeign: the target holds what the origin does not.
	ErrForeign = errors.New("somebody else writes to the cluster's event log")
	// ErrDiffers: the two sides answer differently although they have folded the same.
	ErrDiffers = errors.New("the two sides differ")
)

// Stage is how far a side is.
type Stage string

// Stages. The origin takes events, has stopped for a switch, or is gone. The target is being imported into, follows, or the move is
// complete.
const (
	Taking    Stage = "taking"
	Stopped   Stage = "stopped"
	Gone      Stage = "gone"
	Importing Stage = "importing"
	Following Stage = "following"
	Complete  Stage = "complete"
)

// Status is what the origin says of itself.
type Status struct {
	ID    string // of this move: made when it begins, and gone with Forget
	Stage Stage
	// Ends are the offsets behind the last records.
	Ends []event.Offset
}

// Origin is the installation that moves, while it runs. Its log is read through it.
type Origin interface {
	Status(ctx context.Context) (Status, error)
	// Commit opens the copy of a commit point, and has one made if there is none yet. It stays the same until Forget.
	Commit(ctx context.Context) (Commit, error)
	// Read is eventlog.Log's.
	Read(ctx context.Context, p event.Partition, from event.Offset, maxBytes int) ([]eventlog.Entry, error)
	// Wait returns when there are records at or after ends, or after a while.
	Wait(ctx context.Context, ends []event.Offset) error
	// Counts is eventlog.Log's.
	Counts(ctx context.Context) ([]eventlog.Count, error)
	Registry(ctx context.Context) (*property.Snapshot, error)
	Report(ctx context.Context, q *report.Query) (*report.Result, error)
	// Stop ends the taking of events, durably: when it returns, all that were acknowledged are in the log and visible.
	Stop(ctx context.Context) error
	// Resume takes events again.
	Resume(ctx context.Context) error
	// Leave ends the taking of events for good.
	Leave(ctx context.Context) error
	// Forget removes the copy of the commit point.
	Forget(ctx context.Context) error
}

// Commit is a commit point of the origin.
type Commit interface {
	store.RowSource
	Meta() *state.Meta
	// Clients calls yield with the records of all clients of a partition.
	Clients(ctx context.Context, p event.Partition, yield func(key, value []byte) error) error
	Close() error
}

// Target is the cluster. Its log begins where the commit point ends.
type Target struct {
	Log eventlog.Log
	// Store takes batches of Log, Imports those of the commit point, under a log name of their own.
	Store, Imports store.Shared
	ImportsName    string
	Intents        intent.Registry
	States         owned.States
	Registry       property.Importer
	Reports        func(ctx context.Context, q *report.Query) (*report.Result, error)
	Owned          owned.Config
	Close          func() error
}

// Note is what the cluster remembers of a move.
type Note struct {
	Origin string // Status.ID
	Stage  Stage
}

// Notes keeps the note where every process of the cluster can read it.
type Notes interface {
	// Note returns the note; false if nothing was ever moved here.
	Note(ctx context.Context) (Note, bool, error)
	// Write replaces it. It is durable when this returns.
	Write(ctx context.Context, n Note) error
}
