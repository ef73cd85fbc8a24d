// Package jsonscan reads JSON that strangers sent: one value after another,
// without reflection and without copying what needs no copy.
//
// It is not a general decoder: it has no struct tags and keeps no tree. The
// caller walks the text and picks what it knows.
//
// Invariants:
//
//	J1  What Skip accepts is exactly what RFC 8259 calls a value, up to the
//	    nesting limit; anything else is ErrSyntax or ErrDepth.
//	J2  A returned string is valid UTF-8 if the input is. Broken surrogate
//	    escapes become U+FFFD.
//	J3  Memory: a string with escapes is copied once; nothing else allocates.
//
// A Scanner belongs to one goroutine.
//
// Start reading at Scanner.
package jsonscan
