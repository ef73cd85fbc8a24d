// Errors that callers tell apart.
package report

import (
	"errors"
	"fmt"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

// ErrResources: the query needs more memory or time than one query may use (D8).
var ErrResources = store.ErrResources

// InvalidError says what is wrong with a query. It is the asker's to mend.
type InvalidError struct {
	Field   string // where: dimensions[1].name
	Message string
	Hint    string // what would help; "" if nothing is known
}

// Error implements error.
func (e *InvalidError) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func invalid(field, format string, args ...any) *InvalidError {
	return &InvalidError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// invalidName turns the catalog's word about a name into the query's error.
func invalidName(field string, err error) error {
	var unknown *catalog.UnknownError
	if errors.As(err, &unknown) {
		return &InvalidError{Field: field, Message: unknown.Error(), Hint: unknown.Hint}
	}
	return err
}
