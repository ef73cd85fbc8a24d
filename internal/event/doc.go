// Package event holds the words every other package speaks: what happened
// (Event), to whom it belongs (PropertyID, ClientID), when (Time), and why it
// was not taken (RefuseReason). It also holds the records of the event log
// (record.proto), so that no second set of structs has to be kept in step.
//
// It is not a decoder of any wire protocol (package collect) and decides
// nothing about sessions (package window) or counting (package fold).
//
// Invariants:
//
//	V1  EventTime <= IngestTime in every accepted event (S2).
//	V2  Key, UserAgent, and every text of an accepted event are within the
//	    limits of limits.go; what a collector cannot cut it refuses.
//	V3  A RefuseReason never changes its name: names are in the ledger on disk.
//
// Everything here is a plain value: no I/O, no clock, no goroutine.
//
// Start reading at record.proto, then order.go and lateness.go.
package event
