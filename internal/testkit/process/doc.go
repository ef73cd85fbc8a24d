// Package process runs the real binary for end-to-end tests.
//
// It knows nothing of what the server answers: tests speak public HTTP. A Server is
// for one goroutine; its URL may be read by all. Start reading at Start.
package process
