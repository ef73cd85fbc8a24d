// Package state is the contract of the processor's memory between restarts:
// client records, how far each partition was folded, the ledger, and the
// manifest of store segments. pebblestate keeps it on one disk.
//
// It is not the store (rows) nor the registry (settings).
//
// Guarantees:
//
//	C1  Commit is the commit point (S26): after it returns, a restart continues
//	    from it; if it does not return nil, a restart continues from the one
//	    before, or from it, and never from a mixture.
//	C2  Client returns what the last successful Commit that named the key wrote.
//	C3  What was damaged on disk is reported (ErrCorrupt), never returned.
//
// Concurrency: Client may be called from any goroutine; Commit by one at a time.
package state
