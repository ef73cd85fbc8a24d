// Package eventlogtest holds every adapter of package eventlog to its promises.
//
// Run executes one test for each promise; the names of the tests are the list
// of promises. An adapter passes a Subject that opens its log, and, if the log
// claims to survive, reopens and crashes it.
//
// It is not a benchmark and knows nothing of how an adapter stores bytes;
// adapters test their own damage and their own crash points.
//
// Start reading at Run.
package eventlogtest
