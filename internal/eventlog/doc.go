// Package eventlog is the contract of the durable, partitioned, replayable log
// that stands between collectors and the processor. pebblelog keeps it on one
// disk; a networked adapter keeps the same promises over a broker. The suite in
// eventlogtest holds every adapter to them.
//
// It is not a queue: reading removes nothing, and readers keep their own place.
//
// Guarantees:
//
//	L1  When Append returns nil, every record and every count of the batch is
//	    durable (D1). When it returns an error, none of the batch may be
//	    visible, unless the error wraps ErrUnknown.
//	L2  One batch is all or nothing, over all partitions it touches (S37).
//	L3  Offsets of a partition start at 0 and have no gaps; a record keeps its
//	    offset forever.
//	L4  Read never returns a record that a crash could still take away.
//	L5  The records of one Append to one partition are adjacent and in order.
//	L6  Received and refused counts are in the same commit as the records they
//	    belong to, so the ledger balances after any crash (S33, D6).
//	L7  A log that is damaged says so (ErrCorrupt); it never returns other bytes
//	    than those that were appended.
//
// Concurrency: all methods may be called from any goroutine.
//
// Start reading at Log.
package eventlog
