// Shared stores: several processes put rows in, each those of the partitions
// that it owns, and others answer from them. A Store of its own process is in store.go.
package store

import (
	"context"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

// Reader answers plans.
type Reader interface {
	// Snapshot pins the rows that are visible now (T2).
	Snapshot(ctx context.Context) (Snapshot, error)
}

// Shared is a store that lies elsewhere: a cluster of database servers.
//
// Rows go in by batches of one partition. What a batch is, is decided before it is inserted
// and written down elsewhere (package intent), so that whoever owns the
// partition can insert it again with the same rows: that changes nothing.
//
//	U1  Exactly once: however often Insert is called with one BatchID, by one
//	    process or several, at the same time or later, and wherever earlier calls ended,
//	    the rows are there once after one of them returned nil.
//	U2  Rows of a batch are visible to no snapshot before Publish was called with
//	    a progress of its partition that has its Seq or a later one, and to all that are
//	    taken after that returned. So a batch is visible as a whole (T1).
//	U3  Publish never takes back: a progress with a smaller Seq than the one that is
//	    published changes nothing.
//	U4  What Insert and Publish acknowledged survives a crash of the servers as far as
//	    their replication promises.
//
// Plans, rows and T2, T6, T7 are as for a Store. A store is opened for one log: it takes batches of that
// log only, and Publish and Progress are about it. Snapshot and Outcomes also have what was published of
// other logs. All methods may be called from any goroutine.
type Shared interface {
	Reader

	// Insert makes the rows of a batch durable (U1). Rows are those of id.Partition only. It
	// must not keep b. After an error the caller tries again, or leaves it to the next owner.
	Insert(ctx context.Context, id BatchID, b *SharedBatch) error

	// Publish makes batches up to p.Seq visible (U2, U3). All of them were inserted.
	Publish(ctx context.Context, p Progress) error

	// Progress returns what is published, by partition; those that never published anything
	// are missing. A snapshot taken afterwards holds at least that.
	Progress(ctx context.Context) ([]Progress, error)

	// Outcomes returns the sums of the outcomes of a property over the batches that are
	// published.
	Outcomes(ctx context.Context, id event.PropertyID) (ledger.Outcomes, error)

	// Erasures returns the erasures of published batches that were not carried out, in order (U8).
	Erasures(ctx context.Context) ([]Erasure, error)

	// Keep begins a term of upkeep. Terms are larger than 0; a smaller one than that of a Keeper
	// before gets ErrTermOver. The same one again goes on.
	Keep(ctx context.Context, term uint64) (Keeper, error)

	Close() error
}

// BatchID is the name of a batch: one name, the same rows.
type BatchID struct {
	// Log tells installations and log generations apart that share a store. ASCII letters, digits, '-', '_', '.'.
	Log       string
	Partition event.Partition
	// Seq is from 1, without gaps. In a store that lost its rows a partition begins again behind all numbers of before: the
	// first progress that is published then has no batch.
	Seq uint64
}

// SharedBatch is what a batch of one partition puts in.
type SharedBatch struct {
	Batch
	// Outcomes of the records that were folded, by property.
	Outcomes map[event.PropertyID]ledger.Outcomes
	// Erasures that were among the records (S30).
	Erasures []Erasure
}

// Progress is how far a partition has come.
type Progress struct {
	Partition event.Partition
	Seq       uint64       // of the last batch that is visible
	Next      event.Offset // first record that is not
	Clock     event.Time   // the partition's clock (S3) at Next
	// Claim is the lateness that most events stay under, as the fold estimates it (S27).
	Claim time.Duration
}
