// Command shim serves the engine of ClickHouse, libchdb, over as much of
// ClickHouse's HTTP interface as the project uses. Package clickserver builds and
// runs it, and says what it is and what it is not.
//
//	shim libchdb.so folder address-file [user password]
//
// It listens on a free port of the loopback and writes its address to the file.
//
// Concurrency: each request has a session of the engine of its own.
//
// Start reading at handler.go; engine.go and chdb.c call the library.
package main
