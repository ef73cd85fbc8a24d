// Package duckstore keeps the store on one machine: rows in memory heads,
// immutable Parquet segments, and DuckDB, in memory, to query both.
//
// It is not a database: DuckDB's own file format is not used, nothing is
// updated in place, and what is durable is decided by the caller's manifest.
//
// Invariants, besides T1 to T7 of package store:
//
//	K1  Rows of a head are never deleted or updated and lie in the order in which
//	    they were appended: a number of rows names what a snapshot may see.
//	K2  A file gets its final name only after it was synced, and is returned
//	    only after the directory was.
//	K3  A file is deleted only if the installed manifest does not name it and no
//	    snapshot holds it; a head is dropped likewise.
//	K4  Every text in a statement went through quote; every number is a Go
//	    integer or float.
//	K5  The order of young segments of sessions and aliases does not matter:
//	    only revisions decide.
//
// Concurrency: Store.mu guards the installed manifest, the heads' visible row
// counts and all reference counts; it is never held during a query or a write. Three
// engines: the reader answers queries, the writer compacts and finalizes, the sealer writes
// the segments of heads; each has its own memory limit. Heads are no engine's: head_rows.go keeps
// them, head_scan.go lets SQL read them.
//
// Queries share the reader's memory: memory.go says who gives way.
//
// Cells of rollups have their sketches in files beside them: sketch_file.go says where.
//
// Start reading at store.go, then head.go, render.go, segment_write.go.
package duckstore
