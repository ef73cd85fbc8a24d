// The Log contract and the values that cross it.
package eventlog

import (
	"context"
	"errors"

	"tidemark/internal/event"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	// ErrFull: the log has no room, or no capacity now. The caller answers 503
	// with Retry-After; nothing of the batch was kept.
	ErrFull = errors.New("event log is full")
	// ErrClosed: the log is closed or closing.
	ErrClosed = errors.New("event log is closed")
	// ErrCorrupt: bytes on disk are not those that were written.
	ErrCorrupt = errors.New("event log is corrupt")
	// ErrTruncated: the offset asked for is older than what the log keeps.
	ErrTruncated = errors.New("offset is no longer in the event log")
	// ErrUnknown: the batch may or may not be durable (a sync failed midway, or
	// brokers did not answer in time). The caller must not answer 2xx; a retry
	// with the same keys is safe (S7).
	ErrUnknown = errors.New("outcome of append is unknown")
	// ErrInvalid: the batch is refused for what is in it, and would be again: a
	// partition that does not exist, or more bytes than the log ever takes.
	ErrInvalid = errors.New("batch does not fit into the event log")
)

// Log is a durable, partitioned log.
type Log interface {
	// Partitions returns their number, fixed when the log was created.
	Partitions() int

	// Append makes b durable and returns (L1, L2). It blocks while a commit is
	// under way; concurrent calls share one commit. It must not keep b or any
	// buffer in it after returning. A log that commits each partition by itself
	// may return a *PartialError.
	Append(ctx context.Context, b *Batch) error

	// Read copies records of p from offset `from` on into dst, until maxBytes
	// are read or the end of the log is reached, and returns the extended dst.
	// It returns at least one record if there is one. Payloads are owned by the
	// caller. At the end of the log it returns dst unchanged and nil.
	Read(ctx context.Context, p event.Partition, from event.Offset, maxBytes int, dst []Entry) ([]Entry, error)

	// End returns the offset that the next record of p will get; records below
	// it are durable (L4).
	End(p event.Partition) event.Offset

	// Start returns the oldest offset that p still holds.
	Start(p event.Partition) event.Offset

	// Wait returns once any partition has a record at or after ends[p], or when
	// ctx is done, with its error. ends has one entry per partition.
	Wait(ctx context.Context, ends []event.Offset) error

	// Truncate may forget records of p below `before`. It is idempotent.
	Truncate(ctx context.Context, p event.Partition, before event.Offset) error

	// Counts returns the sums of all counts ever appended, by property, day and
	// reason. It may read them all from disk.
	Counts(ctx context.Context) ([]Count, error)

	// CountsOf returns the sums of one property by reason, over all days. It
	// holds the counts of every record that Read can return, and is cheap: it
	// waits for no disk, and answers until the log is closed, even if no more
	// can be appended.
	CountsOf(ctx context.Context, id event.PropertyID) (map[event.RefuseReason]int64, error)

	// Close waits for commits under way and releases everything.
	Close() error
}

// Batch is what one request, or several, make durable together.
type Batch struct {
	Records []Record
	Counts  []Count
	// Essential: the batch holds nothing but what readers need to get on, ticks
	// and definitions. A log that is full by its own bound takes it all the same:
	// without it clocks stand still, so nothing is folded for good, nothing can
	// be truncated, and the log stays full for ever. ErrFull is then for a disk
	// that has next to nothing left, and for a log that is busy.
	Essential bool
}

// Record is one encoded event.Record on its way to a partition.
type Record struct {
	Partition event.Partition
	Payload   []byte
}

// Entry is a record read back.
type Entry struct {
	Offset  event.Offset
	Payload []byte
}

// Count is a number of events of a property that were received (Reason empty:
// accepted) or refused for a reason, by UTC day of IngestTime. Counts with
// equal keys add up.
type Count struct {
	Property event.PropertyID
	Day      int32 // days since 1970-01-01, UTC
	Reason   event.RefuseReason
	N        int64
	// Partition is where the records are that this counts: a log that commits
	// each partition by itself makes the count durable with them (L6). If the
	// batch has no record there, the count goes with any of its records. It is
	// not part of what is counted: Counts returns sums over all partitions.
	Partition event.Partition
	// Record is one more than the index of the one record that this counts; 0 if it
	// may be any. A log that commits each partition by itself then makes it durable with exactly
	// that record, whatever Partition says: it is there as often as the record
	// is, even if only a part of the batch is, or a part of it twice.
	Record int
}
