// Package migrate moves an embedded installation, one process with everything on its disk, into a cluster, while
// it takes events.
//
// It knows contracts only: the origin is asked over its operator's socket, the target is log, store, intents, states and registry
// of the cluster; the app gives it both. It counts nothing itself.
//
// How it works. A commit point C of the origin is copied: state and rows as of one checkpoint. Log, rows and states of
// the target begin with C: its log at the offsets where C ends, so that no row gets the number of another; its store with the rows of C
// under a log name of their own; each partition's state with that of C (owned.Adopt). From then on the records behind C
// are appended to the target's log, each at the offset that it has in the origin. Processors of the cluster fold
// them as they fold everything. At the switch the origin takes no more events, the last records are copied, both sides are compared, and the cluster's
// collectors begin.
//
// Guarantees:
//
//	MG1  Nothing twice, nothing lost: record n of a partition of the origin is record n of the target, the same
//	     bytes, or is part of C. It is read back and compared; whatever else is found there ends the move.
//	MG2  Every step may be repeated. Killed anywhere and run again, a move goes on to the same end.
//	MG3  At no time do both sides take events: the target's collectors wait for a note that is written when the
//	     origin has stopped for good.
//	MG4  Until that note is written the origin can go on as if nothing had been (Abort).
//	MG5  The ledger of the target balances at every moment, and equals the origin's at the switch (D6).
//
// MG1 rests on this package being the only one that appends to the target's log until the switch. Kafka cannot
// promise that an append of a process that was killed does not arrive late; that it did is found by MG1, and the move begins
// again with another topic.
//
// Start reading at Mover in mover.go, then begin.go, follow.go, switch.go.
package migrate
