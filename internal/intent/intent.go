// The contract and the values that cross it.
package intent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	// ErrFenced: somebody else has acquired the partition since. Whoever gets it
	// stops working on the partition; nothing of its batch counts any more, except as
	// the new owner repeats it.
	ErrFenced = errors.New("another node owns the partition")
	// ErrConflict: the call contradicts what is recorded, though its epoch is
	// right. It is a fault of the caller and must not be tried again.
	ErrConflict = errors.New("contradicts the recorded intents")
	// ErrInvalid: the values make no intent.
	ErrInvalid = errors.New("invalid intent")
)

// Kept is how many done intents of a partition are kept for people to look at.
// Only the last is needed.
const Kept = 100

// Intent is one batch of a partition, decided before it is inserted.
type Intent struct {
	Partition int
	// Epoch is that of the owner that began the intent or took it over.
	Epoch uint64
	// Seq numbers the batches of the partition, from 1.
	Seq uint64
	// From and To are the offsets of the batch, From included, To not.
	From, To uint64
	// State is the name under which the state after the batch is saved.
	State string
	Saved bool
	Done  bool
}

// Progress is how far a partition has come.
type Progress struct {
	Owner string // node that acquired it last; empty if nobody ever did
	Epoch uint64 // of the owner; 0 if nobody ever did
	// Last is the last done intent: its State is the one to go on from, its To
	// the first offset that is not done. Seq 0 if there is none.
	Last Intent
	// Open is the intent that was begun and not done; nil if there is none.
	Open *Intent
}

// Registry records owners and intents.
type Registry interface {
	// Acquire makes node the owner of the partition, whoever was it before, and
	// returns the epoch under which it works (I1).
	Acquire(ctx context.Context, partition int, node string) (epoch uint64, err error)
	// Begin records that the batch is going to be inserted. Saved and Done of i are
	// ignored. With the values of the open intent it takes that over (I3, I6). ErrFenced;
	// ErrConflict if i is neither the open intent nor follows the last one (I4);
	// ErrInvalid.
	Begin(ctx context.Context, i Intent) error
	// Save records that the state after the intent exists under the name that Begin
	// said. ErrFenced; ErrConflict if the owner has not begun it.
	Save(ctx context.Context, partition int, epoch, seq uint64) error
	// Done records that all of the batch is in the store. ErrFenced; ErrConflict if
	// it was not saved (I5).
	Done(ctx context.Context, partition int, epoch, seq uint64) error
	// Rewind has the partition begin again at the offset i.To, in one step (I8): it forgets
	// all intents, the open one too, and records i, which is saved and done and has no
	// records: From is To, and State is the state to go on from. ErrFenced; ErrConflict
	// if i.Seq is not larger than each before; ErrInvalid.
	Rewind(ctx context.Context, i Intent) error
	// Progress returns how far the partition has come, all of one moment.
	Progress(ctx context.Context, partition int) (Progress, error)
	// History returns the intents that are kept, by Seq: at most Kept done ones, and
	// the open one.
	History(ctx context.Context, partition int) ([]Intent, error)
	// Close ends the connections. Calls after it fail.
	Close() error
}

// maxText bounds the names of states.
const maxText = 512

// Check tells whether i can be begun at all.
func (i Intent) Check() error {
	if i.From >= i.To {
		return fmt.Errorf("offsets %d to %d: %w", i.From, i.To, ErrInvalid)
	}
	return i.check()
}

// CheckRewind tells whether a partition can begin again with i at all.
func (i Intent) CheckRewind() error {
	if !i.IsRewind() {
		return fmt.Errorf("offsets %d to %d where the same were due: %w", i.From, i.To, ErrInvalid)
	}
	return i.check()
}

// IsRewind tells whether the partition began again with i: it has no records.
func (i Intent) IsRewind() bool { return i.Seq > 0 && i.From == i.To }

func (i Intent) check() error {
	switch {
	case i.Partition < 0 || i.Partition > 1<<31-1:
		return fmt.Errorf("partition %d: %w", i.Partition, ErrInvalid)
	case i.Epoch == 0 || i.Seq == 0 || i.Epoch > maxStored || i.Seq > maxStored || i.To > maxStored:
		return fmt.Errorf("epoch %d, seq %d, to %d: %w", i.Epoch, i.Seq, i.To, ErrInvalid)
	case i.State == "" || len(i.State) > maxText || !utf8.ValidString(i.State) || strings.ContainsRune(i.State, 0):
		return fmt.Errorf("state name %q: %w", i.State, ErrInvalid)
	}
	return nil
}

// maxStored is the largest number that every database holds.
const maxStored = 1<<63 - 1

// SameBatch tells whether both are the same rows: all but who does it and where
// the state goes.
func (i Intent) SameBatch(j Intent) bool {
	return i.Partition == j.Partition && i.Seq == j.Seq && i.From == j.From && i.To == j.To
}

// Token is the insert token of the intent's block for a table and a day. It
// holds no epoch: who repeats the batch must be taken for the one before.
func (i Intent) Token(table, day string) string {
	return fmt.Sprintf("%d/%d/%s/%s", i.Partition, i.Seq, table, day)
}

// StateName is a name for the state after a batch that no other owner gives.
func StateName(partition int, epoch, seq uint64) string {
	return fmt.Sprintf("%d/%d-%d", partition, epoch, seq)
}
