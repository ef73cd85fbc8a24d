// Package owned is the processor role where several processes share the work:
// each partition of the log is folded by the one that owns it, and its rows go into a
// store that all share.
//
// It is not where anything is counted (package fold), and it does not choose owners: who
// should own a partition comes from outside (Assign, Revoke, Lose). It makes
// sure that, whoever owned what and however it ended, every record is folded into
// the store exactly once (S26). The processor of a single process, with a store of its own, is package
// pipeline.
//
// How it works: an owner takes the partition under an epoch of package intent, which
// fences the one before. Then batch after batch: which offsets, is written down first; these
// and no others are folded; the rows go into the store under the batch's name; the state goes to
// where other nodes can get it; and the batch is done. A new owner does an
// open batch again: from the state before it, with the same offsets, so with the
// same rows under the same name, which the store drops if it has them.
//
// Invariants:
//
//	O1  A batch is folded from the state after the one before it, and Flush is called
//	    once, at its end: the same offsets make the same rows.
//	O2  Nothing is inserted before the intent that names it was recorded under this
//	    owner's epoch.
//	O3  A batch is published only after all of its rows were inserted, and done only
//	    after its state was saved.
//	O4  An owner that is told that it is fenced stops at once. What it had under way is
//	    repeated by the new one.
//	O5  Nothing that is away ends an owner: log, intents, states and store are
//	    tried again until they answer, while the log keeps what comes. Only what
//	    can never succeed does (a damaged log or state, a contradiction).
//
//	O6  Who owns the first partition keeps the store, under the term that is its epoch, until it
//	    loses the partition. Days become final by the slowest published clock of all partitions (S28).
//	O7  A partition begins again (Refold) only if the store has no batch of it, and under numbers
//	    that were never given: records are folded once into what the store then has.
//
// Concurrency: Processor's methods may be called from any goroutine; each
// partition has a goroutine of its own.
//
// Start reading at processor.go, then owner.go, batch.go, keep.go.
package owned
