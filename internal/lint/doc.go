// Package lint holds the house rules as tests over the source tree: what may
// import what, what is never written, which words are used.
//
// It is not a style checker: gofmt, vet and staticcheck do that.
//
// Each rule has a reason beside it; an exception is a line in a table with its
// own reason. Nothing outside the tests uses this package.
//
// Start reading at imports_test.go.
package lint
