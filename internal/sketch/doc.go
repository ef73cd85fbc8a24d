// Package sketch holds mergeable summaries: small values that stand for large
// sets. Today there is one, of distinct users.
//
// It is not the place that decides when an approximate number may be given: the
// store says of each answer whether it is exact, and report tells the asker.
//
// Guarantees:
//
//	K1  Merging is commutative, associative and idempotent: a sketch depends on
//	    the set of users added, not on how it was split or repeated.
//	K2  An estimate lies within UsersError of the truth in 95 of 100 cases. Up
//	    to a thousand users it is exact but for colliding hashes.
//	K3  Decoding never panics and never takes more memory than a dense sketch.
//
// Concurrency: a sketch belongs to one goroutine at a time.
//
// Start reading at users.go.
package sketch
