// Errors: what ClickHouse's numbers mean to those who ask.
package clickstore

import (
	"errors"
	"fmt"

	"tidemark/internal/store"
)

// errSilent: the server did not answer, and did not end the statement either.
var errSilent = errors.New("clickhouse is silent")

// errHeldTooLong: what a snapshot needs may have been removed since.
var errHeldTooLong = errors.New("the snapshot was held for longer than rows are kept that no later one needs")

// serverError is an error that ClickHouse reports, or something between us and it.
type serverError struct {
	status, code int
	text         string
}

// Error implements error.
func (e *serverError) Error() string {
	if e.code == 0 {
		return fmt.Sprintf("status %d: %s", e.status, e.text)
	}
	return e.text
}

// Numbers of ClickHouse for a query that ended because of a limit.
const (
	codeTooManyRows      = 158
	codeTimeout          = 159
	codeTooSlow          = 160
	codeTooManyQueries   = 202
	codeMemory           = 241
	codeTooManyBytes     = 307
	codeTooManyBytesRows = 396
)

// queryError says what an error means for a plan (T6).
func queryError(err error) error {
	var server *serverError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSilent):
		return fmt.Errorf("%w: %w", store.ErrResources, err)
	case errors.As(err, &server):
		switch server.code {
		case codeTooManyRows, codeTimeout, codeTooSlow, codeTooManyQueries, codeMemory, codeTooManyBytes, codeTooManyBytesRows:
			return fmt.Errorf("%w: %w", store.ErrResources, err)
		}
	}
	return err
}
