// Package clickstore keeps rows in ClickHouse, for several processes that share
// them: it is a store.Shared over ClickHouse's HTTP interface.
//
// It is not a store.Store: there are no heads and segments. It decides
// nothing either; rows come as the fold made them, and which batch they are of is
// written down elsewhere before they are inserted.
//
// # How it keeps the contract
//
//	CH1  Every row names its batch: log, partition, number. A snapshot is the largest
//	     number that each partition had published; every query reads rows up to these and no
//	     others. Rows are added, and taken out
//	     only once none that may be held needs them. So a batch is visible as a whole though it lies in five
//	     tables, and a held snapshot cannot change (T1, T2, U2).
//	CH2  An insert is one block of one table and day, under a token that names it. ClickHouse
//	     makes one part of it, whole or not at all, and drops a repetition. Where that is not enough,
//	     rows are counted before and after (U1; insert.go says when).
//	CH3  Publishing adds a row to the table of progress. Readers take the largest (U3).
//	CH4  Revisions are kept, all of them, and the highest that is visible is found by each
//	     query. A table that replaced rows would lose those that a held snapshot needs.
//	CH5  Whatever text a plan holds reaches SQL through quote only, and rows go and come in
//	     RowBinary, which has no escapes. Every query names its property (T7, D9).
//	CH6  Every statement has a limit of time, every query one of memory, and a context
//	     ends both (T6).
//	CH7  What upkeep makes counts once a document names its run, and documents of a commit are one
//	     block: a step is there as a whole or not at all (U5). A Keeper commits under a version that
//	     no other has; those of a Keeper that began later are higher, and hold everything that counts (U6).
//	CH8  Who repeats a published batch inserts nothing: rows may have been taken from it since (U8).
//	CH9  A snapshot reads the documents first and then progress. Final rows are of batches that were
//	     published when they were made, so it sees no batch in part (T1). Restored rows are of none, and no
//	     young row before the border counts.
//
// What is promised of a cluster is not tested: docs/operate/clickhouse.md says so.
//
// Concurrency: all methods may be called from any goroutine. A Store's mutex is held for
// moments and never during a request.
//
// Start reading at insert.go, publish.go, render.go; schema.go and ddl.go for the tables;
// keeper.go, document.go and state.go for upkeep, export.go and restore.go for archives.
package clickstore
