// Package pebblelog keeps the event log on one disk, in a Pebble database.
//
// It is not a general store: it knows records, offsets and counts, and nothing
// of what is in a payload.
//
// How it works: concurrent Appends wait in a queue (append.go). One committer
// goroutine gathers what waits into one Pebble batch and writes it to the WAL
// (commit.go); one finisher goroutine waits for the sync, then moves the
// durable ends and answers the callers (finish.go). While a sync runs, the next
// batch gathers.
//
// Invariants:
//
//	P1  Only the committer writes keys after Open; so offsets, commit
//	    numbers and WAL order agree. The reclaimer takes whole chapters out, behind
//	    starts that are durable.
//	P2  ends[p] moves only after the sync of the commit that holds the records
//	    below it. Pebble shows a batch to readers before it is synced; every
//	    read is therefore bounded by ends (L4).
//	P3  After the first failed write or sync nothing is acknowledged any more
//	    until the log is opened again: what the kernel did with the dirty pages
//	    of a failed sync is unknown, a second sync that succeeds proves nothing.
//	P4  A chunk is never rewritten. Its checksum covers its key, so that bytes
//	    cannot appear at another offset unnoticed (L7).
//	P5  A WAL that ends in an unsynced, torn write is normal after a crash. A
//	    WAL with a damaged record that a later commit vouches for is not:
//	    Open refuses it (walcheck.go). The file of durable ends catches what
//	    leaves no later commit behind (highwater.go).
//
// The bounds on disk space are estimated from measurements (usage.go); what is
// truncated is taken out of the database by chapters (chapters.go, reclaim.go). The counts
// of a property are kept in memory too (sums.go), added before P2's ends move.
//
// Limit, stated: damage that hits only the last commits before a power loss,
// after which nothing was written, looks exactly like a torn write.
//
// Concurrency: all methods of Log may be called from any goroutine.
//
// Start reading at Log in log.go, then append.go, commit.go, finish.go, read.go.
// docs/format/log.md has the bytes.
package pebblelog
