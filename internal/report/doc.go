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
// Start reading at query.go, then plan.go.
package report
