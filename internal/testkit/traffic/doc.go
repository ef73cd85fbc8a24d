// Package traffic makes up events that look like those of people: pages by
// Zipf's law, sessions with pauses, clients that come back, several properties
// and time zones, campaigns, programs, and everything that goes wrong on the
// way: copies, delays, wrong clocks, events that come too late.
//
// It is not a load generator: it opens no connection and never waits. What
// sends its events decides how fast.
//
// Invariants:
//
//	F1  The same Config gives the same events, on every machine and in every
//	    time zone. Nothing depends on the wall clock or on map order.
//	F2  Events come in the order of their arrival (Sent.At), which is
//	    IngestTime; EventTime is at most that (V1) and a whole millisecond.
//	F3  A copy (Sent.IsCopy) repeats an earlier event with all its facts but
//	    the arrival.
//
// Concurrency: a Source belongs to one goroutine; what it returned does not
// change any more. Events share Params, Geo and long texts with each other:
// read them, do not write to them.
//
// Start reading at config.go and source.go; wire_native.go and wire_mp.go turn
// an event into the body of a request, record.go into a line of a file.
package traffic
