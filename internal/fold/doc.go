// Package fold decides what is counted: it turns the records of one partition,
// in log order, into rows for the store. Duplicates, sessions, attribution and
// lateness are decided here and nowhere else.
//
// It is not a stream processor: reading the log, writing rows and saving state
// is package pipeline's work.
//
// Invariants:
//
//	F1  State after a record, and the rows told so far, are a function of the
//	    records up to it and of where Flush was called: no clock, no randomness,
//	    no I/O but loading the state of a client from the last checkpoint.
//	F2  Sessions are a function of the *set* of a client's accepted events: after
//	    each batch they are derived anew from parts, and what differs from what
//	    the store was told is told again (S14, S24, D3).
//	F3  An event row never changes. It names the part in which it lies, and a part
//	    is never split; sessions are runs of parts, so even a session that a late
//	    event cuts in two needs no event row rewritten (S12).
//	F4  An event changes only sessions of its own client (S25).
//	F5  Every event read is counted in exactly one of stored, duplicate, too late
//	    and expired (S33, D6).
//	F6  A client record is bounded: MaxParts live parts, MaxKeys keys (S38).
//
// Concurrency: a Fold belongs to one partition. Apply is called by one
// goroutine at a time; Freeze and Encode of a checkpoint may run beside it (see
// checkpoint.go).
//
// Start reading at fold.go, then place.go, derive.go and tell.go.
package fold
