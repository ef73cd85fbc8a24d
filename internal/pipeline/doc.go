// Package pipeline is the processor role: it reads the partitions of the event
// log, lets the fold decide, puts rows into the store, and makes checkpoints.
//
// It decides nothing that is counted (package fold) and answers no reports
// (package report).
//
// Invariants:
//
//	P1  Rows of a record are in the store's open or sealed heads, or in segments
//	    of the committed manifest, and never in two of them (D2).
//	P2  The commit is one State commit that names offsets, client records, ledger
//	    and segments together; segments are synced before it, heads are dropped
//	    after it (S26).
//	P3  After a crash the folds continue from the commit: heads are gone, and the
//	    records behind it are read again.
//	P4  What a crash can take from the log was never folded: the log hands out
//	    durable records only (L4).
//	P5  A day is made final only from committed segments, when finalThrough and
//	    every session begun in it are past (S28).
//	P6  Restate puts replayed rows in the place of final ones in one commit, and
//	    not if the property was restated since they were read (S29).
//
// Concurrency: Run owns folds and heads. A checkpoint is written beside it by one
// goroutine, upkeep (final days, compaction) by another; keeper.go orders their
// commits. Freshness and Ledger may be asked from anywhere.
//
// Start reading at processor.go, then round.go, checkpoint.go, upkeep.go.
package pipeline
