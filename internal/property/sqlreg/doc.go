// Package sqlreg keeps the registry (package property) in one SQLite file.
//
// It is not a cache: each call asks the file. Callers on the path of an event
// keep what they learn and follow Changes.
//
// Invariants beside those of the contract:
//
//	SQ1  Every write is one immediate transaction, synced before the call
//	     returns (WAL, synchronous FULL).
//	SQ2  Opening creates or upgrades the schema under a lock file, so that a
//	     server and a command that start together do it once.
//	SQ3  The file is readable by its owner only.
//
// Concurrency: one connection writes, a few read; other processes may do the
// same to the same file. A writer waits for another for busyTimeout.
//
// Start reading at open.go, then properties.go.
package sqlreg
