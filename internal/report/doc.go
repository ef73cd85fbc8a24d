// Package report answers report queries: a Query is checked against the
// catalog, planned as one or more store plans over one snapshot, and its rows
// are put together, ordered and cut.
//
// It is not an API: translating a wire format from and to Query and Result is
// package api's work, and SQL is the store adapters'.
//
// Guarantees:
//
//	Q1  All numbers of one Result, and of all results of one batch, come from
//	    one snapshot (T2).
//	Q2  Every Result says how fresh it is and what it leaves out (D5).
//	Q3  Ratios are divided here, from exact parts (S36).
//	Q4  Nothing is sampled, and no row is folded into an "(other)" row.
//
// Texts that a dimension expression merges are counted again as one group, since
// users and sessions of groups do not add up (merge.go); what the store cannot
// compare as one text is looked up first (predicate.go).
//
// Concurrency: an Engine may be used by many goroutines.
//
// Start reading at query.go, then engine.go, question.go, answer.go.
package report
