// Exceptions: errors of the shim itself, in the server's words.
package main

import "fmt"

// exception is an error with ClickHouse's number and name for it.
type exception struct {
	code       int
	text, name string
}

// Error implements error.
func (e *exception) Error() string {
	return fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", e.code, e.text, e.name)
}
