// Package clickserver runs the real engine of ClickHouse for tests, as a process of
// its own that speaks ClickHouse's HTTP interface.
//
// The engine is chDB: ClickHouse's own code built as a library, version 26, from
// the npm package @chdb/lib-linux-x64-gnu (library.go fetches it once into the user's
// cache directory). Parser, analyzer, MergeTree and its files are ClickHouse's; what
// lies around them is not the server's. The program in shim/ loads the library and
// turns HTTP requests into its calls. clickhouse-server itself is in no package
// registry in a version that can be used: Debian's is of 2018.
//
// What is real, and tests may rely on: SQL and its functions, types and formats,
// settings and the errors of statements, MergeTree tables on disk with their
// deduplication logs and merges, and what kill -9 leaves of them.
//
// What is not there:
//
//   - No replication, no Keeper, no cluster: tables ON CLUSTER, Replicated and
//     Distributed ones cannot be tried.
//   - HTTP is the shim's: it takes POST, settings and param_ in the URL, gzip bodies,
//     user and key in headers, and answers when the statement is over, always whole. It
//     has no sessions, no compression of answers, no readonly, no users beside the one
//     it is given, and no limit to bodies. An INSERT is begun when its body is
//     there; the server begins sooner, and ends with an error if the body breaks off. input() is a file
//     that the shim writes; the server reads the body.
//   - A client that goes away does not end its statement.
//   - Status codes are the server's for the errors that tests look at; others are 500.
//
// A test can kill the process, freeze it, and start it again on the same folder.
// Only processes that Start began are ever touched.
//
// Concurrency: a Server is for one goroutine, but for Kill; its URL may be read by
// all. Start reading at Start.
package clickserver
