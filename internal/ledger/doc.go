// Package ledger holds the account of a property's events (S33) and how far
// what is visible has come (S27): plain values that the processor fills and
// reports carry.
//
// It is not a counter: collectors count in the event log, the fold counts
// outcomes, and both are put together here.
package ledger
