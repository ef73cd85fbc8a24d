// Package blobtest is the suite that every object store (package blob) passes,
// and a store that fails on demand.
//
// Run tests the guarantees B1 to B6 and B8 by what a caller sees. What happens
// when the store hangs (B7) or its process is killed (B1, B6) is tested by each
// adapter, with means of its own.
//
// Start reading at suite.go.
package blobtest
