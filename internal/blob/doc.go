// Package blob is the contract of an object store: whole objects under keys,
// readable by every node as soon as they are acknowledged. dirblob keeps them in
// a directory, s3blob in a bucket of an S3-compatible service.
//
// It is not a file system: objects do not grow, are not renamed, and have no
// folders. It decides nothing about who may write: keys that name their writer
// do (package state/remote).
//
// Guarantees:
//
//	B1  An object is whole or not there. A Put or Create that failed, or whose
//	    process was killed, has left the object that was there before, the new
//	    one, or none; never a part of one.
//	B2  Once Put, Create or Delete returned nil, every Get and List that begins
//	    afterwards, by anybody, finds it so.
//	B3  The bytes of Get are those that were put, as many as were put; damage is
//	    ErrCorrupt, at the latest in place of io.EOF. A reader must not use what it
//	    read before it saw io.EOF. Put and Create refuse bytes that are not those of
//	    the checksum that came with them.
//	B4  Put replaces; who reads meanwhile gets either object whole, or an error.
//	    Create replaces nothing: of several under one key at most one returns nil,
//	    all others ErrExists.
//	B5  List yields keys in the order of their bytes, each once: all that were there
//	    when it began and were not deleted meanwhile.
//	B6  What was acknowledged survives a crash of the process that keeps it.
//	B7  A store that hangs is ErrAway after a time that the operator chose, without
//	    help of the caller's context. Calls that are safe to repeat are repeated.
//	    An error other than ErrExists, ErrNotFound and ErrInvalid leaves open
//	    whether a Put, Create or Delete took effect, now or a while later.
//	B8  A key that is not of the alphabet of CheckKey is ErrInvalid and touches
//	    nothing.
//
// ErrExists may come from an earlier try of the same call whose answer was lost
// (B7): whoever cares reads the object and compares.
//
// Concurrency: all methods may be called from any goroutine and any process. The
// suite in blobtest holds every adapter to this.
//
// Start reading at blob.go.
package blob
