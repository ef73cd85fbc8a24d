// Erasure: rows of a client that shall be forgotten (S30).
package store

import "tidemark/internal/event"

// Erasure is a client of whom no row may stay that is older than Before, the row of
// the erasure: a client who comes back afterwards has a larger number and is
// somebody new.
type Erasure struct {
	Property event.PropertyID `json:"property"`
	ClientID string           `json:"client_id"`
	Before   event.RowID      `json:"before"`
}

// Erased is what an erasure changes.
type Erased struct {
	Change
	// Events is how many events the rows stood for, without synthetic ones.
	Events map[event.PropertyID]int64
	// Touched is the EventTime of the first and last of them.
	Touched map[event.PropertyID][2]event.Time
}
