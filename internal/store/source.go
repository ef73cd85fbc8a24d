// RowSource: the rows of a store, for another store to take over.
package store

import (
	"context"

	"tidemark/internal/event"
)

// FinalRevision is the revision under which sessions of final days are given out: nothing young that the
// store may still have of them counts beside it.
const FinalRevision = 1 << 62

// RowSource gives out all rows of a manifest as the fold might have told them: batches of these rows, in a
// shared store, answer as the source does.
//
// Final rows come as young ones: an event names its session as its part, a session comes with FinalRevision, and
// the key of an event is one that is ordered as its own was. Of days that are final, only the final rows come.
type RowSource interface {
	// Rows calls yield with the rows of partition p, at most `most` of each table at a time, and always
	// with the same ones in the same order. yield must not keep the batch.
	Rows(ctx context.Context, p event.Partition, most int, yield func(*Batch) error) error
}
