// Package due decides which upkeep of a store is due: which days become final, which get cells, which
// lose their rows (S28 to S30).
//
// It decides and does nothing: package pipeline does it with segments and a commit, package owned
// with a store.Keeper. It knows no clock: what is final follows the clocks of the log's partitions.
//
// Concurrency: Zones may be used by any goroutine; the rest are functions.
//
// Start reading at due.go.
package due
