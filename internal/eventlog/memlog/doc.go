// Package memlog keeps an event log in memory. Tests use it where the log is
// not the subject, and it is the second implementation that keeps the contract
// of package eventlog honest.
//
// It is not durable: L1 and L4 hold only as long as the process lives, because
// nothing here survives it. All other guarantees hold as in pebblelog.
//
// Concurrency: one mutex guards everything; Append and Read copy under it.
//
// Start reading at Log.
package memlog
