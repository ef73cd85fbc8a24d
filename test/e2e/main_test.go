// Package e2e tests the product as people use it: the real binary, public HTTP, a
// real browser, and kill -9.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"tidemark/internal/testkit/process"
)

// binary is built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tidemark-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = process.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
