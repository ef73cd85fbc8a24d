// Package store is the contract of the columnar store: rows that the fold makes
// go in, logical plans are answered. duckstore keeps rows in memory heads and
// immutable Parquet segments; a networked adapter will keep the same promises
// over a cluster. The suite in storetest holds every adapter to them.
//
// It is not the place where anything is decided: duplicates, sessions,
// attribution and lateness were settled by the fold. It knows no clock, no time
// zone names and no catalog: a plan carries the offsets it needs.
//
// # Row model
//
// Events are immutable and are written once. Sessions are written as revisions:
// the highest revision of a session id counts, and one with Tombstone set says
// that the session was absorbed. An event names the part of a session in which it
// lies (Part); the session of a part is the part itself unless an alias says
// otherwise, and again the highest revision of an alias counts (S24).
//
// A property has a time FinalUntil. Rows before it are final: they were
// rebuilt once, with session columns copied into event rows, into final
// segments, and young rows before it are no longer read (S28). Young session
// rows and aliases are still joined to young events whatever their time.
//
// Texts are stored as reports show them: what is missing is "(not set)" (S36).
//
// Guarantees:
//
//	T1  Append makes a batch visible as a whole; a snapshot sees all of a
//	    batch or nothing of it (S24).
//	T2  A snapshot never changes while it is held, whatever is installed.
//	T3  WriteSegments returns only when files and their directory are synced.
//	T4  Until Install names a segment no query reads it; a file that no
//	    manifest names is garbage and may be deleted at Open.
//	T5  A segment whose bytes differ from those written is reported as
//	    ErrCorrupt and never answered from.
//	T6  A plan that needs more memory or time than its limits fails alone. Rows
//	    come first: where Append or WriteSegments find no memory, queries wait,
//	    and those that run are ended with ErrResources, before they fail.
//	T7  A plan reads one property only; no row of another reaches its answer (D9).
//	T8  Whether cells answer or rows, counts and sums are equal, and distinct
//	    users too unless the plan allows a sketch (rollup.go, S29).
//	T9  ReplaceFinal changes final rows of one property in one range and no other
//	    row; Archive gives back of a row what a fold made it of (archive.go).
//	T10 Erase leaves no row of the clients that are older than their erasure, and
//	    every other row as it was (erase.go).
//	T11 DropRows leaves no row of the days in any segment. What their cells answer is
//	    answered as before, also in another zone: a day stays the local day as which it was
//	    counted. Any other plan over these days is a *GoneError, never a smaller
//	    number (retain.go, S30).
//
// A store may rely on this of the rows that it is given: all revisions of a session, its tombstone, and the
// events of its parts are of one client; and whoever appends an alias appends a revision
// of the session that it names.
//
// Concurrency: Append, Seal and Install are called by one goroutine at a time
// (the writer); Snapshot, Run, WriteSegments, Compact and Finalize may run
// beside them and each other.
//
// Start reading at rows.go, plan.go, store.go, archive.go, retain.go.
package store
