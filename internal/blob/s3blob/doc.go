// Package s3blob keeps objects (package blob) in a bucket of Amazon S3 or of a
// service that speaks its API.
//
// It needs of the service: reading what was just written, a signed checksum that
// is verified on the way in, user metadata, conditional PUT (If-None-Match: *),
// and lists in the order of bytes. blob.Probe finds out about some of that;
// docs/facts/s3.md says what was seen where.
//
// Objects are written in one request each, whole (B1): no multipart uploads, so
// an object has at most 5 GiB, and nothing half-uploaded is left to be paid for.
// The SHA-256 goes along twice: signed, so that the service refuses other
// bytes, and as metadata, by which every Get verifies what comes back (B3); the
// service's own checksum is not asked for, since some keep none.
//
// Concurrency: as package blob says. Start reading at s3blob.go and call.go.
package s3blob
