// Package dirblob keeps objects (package blob) as files in a directory, which may
// be on a file system that several machines share.
//
// It asks of the file system that rename replaces and link does not, both in one
// step, and that a synced file and a synced directory outlast a crash. Each file
// ends with a trailer that holds the size and the checksum of its object
// (docs/format/state-remote.md), unless the directory is plain. A file that is being made lies in .making and
// counts for nothing.
//
// Concurrency: as package blob says. No locks: files appear by rename and link.
//
// Start reading at dirblob.go.
package dirblob
