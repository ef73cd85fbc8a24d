// Package oracle answers report queries the slow and obvious way, straight from
// docs/semantics.md, so that the product's answers can be compared with an
// independent reading of the same rules.
//
// It keeps every record, starts from nothing at each question, and loops over
// everything with maps and sets. It knows no batches, no revisions, no
// checkpoints and no final days: whatever those do, the answer has to be this one.
// Of the product it uses only the values of package event, the question types
// of package report, and the text tables of package enrich.
//
// It is not fast, keeps no state on disk, and does not apply the rules about
// bounds and erasure (S30, S32, S38): traffic for it stays within bounds.
//
// Invariants:
//
//	O1  The answer depends on the records only, and on their order only where
//	    the rules say so: which of two copies counts (S7), and which
//	    Definition is in force.
//
// Concurrency: one goroutine at a time.
//
// Start reading at oracle.go, then sessions.go, sources.go, answer.go.
package oracle
