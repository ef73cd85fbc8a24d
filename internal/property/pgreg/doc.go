// Package pgreg keeps the registry (package property) in a PostgreSQL database
// that many nodes share.
//
// It is not a cache: each call asks the server. Callers on the path of an event
// keep what they learn and follow Changes. What calls do when the server is away
// or slow is in package postgres (PG1 to PG5).
//
// Invariants beside those of the contract:
//
//	PR1  The change number is a row that is written in the transaction of the
//	     change, by triggers. Whoever reads a new number sees what it counts; whoever
//	     was disconnected for an hour misses nothing.
//	PR2  What makes the first member happens under one lock, one after the other
//	     (R3): a new setup token, and the use of one.
//	PR3  When a salt's life is over, its row is deleted and the table is written
//	     anew, so that no file of the table holds it (R4).
//
// PR3 is not all of R4 here, and cannot be. PostgreSQL writes each salt to its
// write-ahead log, from where it goes to standbys, archives and backups, and a
// deleted row is in all of these for as long as they are kept. So give SaltKeys:
// then a salt is sealed (AES-GCM) under a key that the database never sees, and
// the log, a standby or a backup alone does not let an old cookieless id be redone.
// Whoever has both the key and an old backup can; a key that was replaced and
// destroyed ends that, for all backups at once. Without SaltKeys the salts in
// the log and in backups are plain.
//
// Start reading at open.go, then properties.go.
package pgreg
