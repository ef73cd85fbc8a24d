// Package simulate sends made-up traffic (package traffic) to a server over
// HTTP, at the pace of the clock or as fast as the server takes it.
//
// It is not a benchmark: one request carries the events of one client, as a
// browser's would.
//
// Guarantees:
//
//	SM1  An event is sent not before its time, and again until the server has
//	     answered 2xx or the context ends; its key stays the same.
//	SM2  A line of the record is written for each event that was answered 2xx,
//	     and for no other. An event whose answer got lost may have been counted.
//
// Concurrency: Run uses goroutines of its own; the functions of Deps are
// called one at a time.
//
// Start reading at run.go.
package simulate
