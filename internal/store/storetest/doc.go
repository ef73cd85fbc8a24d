// Package storetest holds every adapter of package store to its contract.
// Run is the suite; Mem is a store in memory that answers plans by the plainest
// code that can be right, for other packages' tests and as the reference that the
// suite compares an adapter with.
//
// It is not fast and not durable: Mem keeps rows as Go structs.
//
// Concurrency: Mem may be used by several goroutines, like any store.
//
// Start reading at run.go for the suite, mem.go and evaluate.go for the reference.
package storetest
