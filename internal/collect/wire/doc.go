// Package wire is what every wire protocol's decoder turns a request into: a
// Request of Drafts, each an event as its sender told it, or the reason why it
// cannot be one. The decoders are wire/native, wire/mp and wire/ga4.
//
// It is not the place where anything is decided that needs the connection, the
// property or the clock: package collect does that with a Draft.
//
// Invariants:
//
//	W1  A decoder never panics and never takes more memory than its Budget gave
//	    it: events and params come from an Arena that asks first (D8).
//	W2  After Clamp an event is within the limits of event/limits.go (V2). Texts
//	    are cut at a rune; identifiers are hashed, since two cut ones could be
//	    taken for one.
//	W3  Texts are slices of the body. Nothing of an event is reused: who gets
//	    one may keep it.
//
// A Request belongs to one goroutine.
//
// Start reading at Request.
package wire
