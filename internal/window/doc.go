// Package window holds the arithmetic of event time that counting needs: local
// days of a property's zone, and when an event joins a session (S12).
//
// It is not the keeper of sessions (package fold): it only says which belong
// together.
//
// Invariants:
//
//	W1  A local day is a whole number of days since 1970-01-01 in the zone, and
//	    grows with time except where the zone itself steps back over midnight.
//	W2  Joining is symmetric within a part: the order in which events arrive
//	    does not decide which part they are in.
//
// A Zone caches the span around the last answer and is for one goroutine.
package window
