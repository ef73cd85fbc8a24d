// Package eventlog is the contract of the durable, partitioned, replayable log
// that stands between collectors and the processor. pebblelog keeps it on one
// disk and kafkalog on Apache Kafka; memlog is for tests. The suite in
// eventlogtest holds every adapter to them.
//
// It is not a queue: reading removes nothing, and readers keep their own place.
//
// Guarantees:
//
//	L1  When Append returns nil, every record and every count of the batch is
//	    durable (D1). When it returns an error, none of the batch may be
//	    visible, unless the error wraps ErrUnknown or is a PartialError, which
//	    says what is durable.
//	L2  One batch is all or nothing, over all partitions it touches (S37). A log
//	    whose unit is the partition promises less: of each partition's records
//	    a first part may be durable, and PartialError.Rest is what to append
//	    again. A batch that is refused for what is in it leaves nothing behind.
//	L3  Offsets of a partition start at 0 and have no gaps; a record keeps its
//	    offset forever.
//	L4  Read never returns a record that a crash could still take away.
//	L5  The records of one Append to one partition are in order, and adjacent
//	    as far as one process appends.
//	L6  Received and refused counts are in the same commit as the records they
//	    belong to, so the ledger balances after any crash (S33, D6). Where the
//	    unit is the partition, Count.Partition, or Count.Record, says whose records those are;
//	    counts are never behind the records that can be read.
//	L7  A log that is damaged says so (ErrCorrupt); it never returns other bytes
//	    than those that were appended.
//
// Concurrency: all methods may be called from any goroutine.
//
// Start reading at Log.
package eventlog
