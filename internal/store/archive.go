// Archive: what a replay reads of the rows that are there, and what it puts in
// their place.
package store

import (
	"context"

	"tidemark/internal/event"
)

// Archive is the committed rows of one property, pinned until Release: final
// rows before FinalUntil, young ones from then on.
type Archive interface {
	// FinalUntil returns how far the property is final; false if no day of it is.
	FinalUntil() (event.Time, bool)

	// RowsFrom returns from when on there are rows; false if none were dropped (S30).
	RowsFrom() (event.Time, bool)

	// Earliest returns the EventTime of the earliest final event; false if there is none.
	Earliest(ctx context.Context) (event.Time, bool, error)

	// Clients calls yield for every client that had a session which started before
	// `before` and lies in final rows, in no order.
	Clients(ctx context.Context, before event.Time, yield func(*ArchivedClient) error) error

	// Events calls yield for each event, synthetic rows folded into it, of each
	// window, window by window: events in [Windows[i], Windows[i+1]) of sessions that
	// started at or after SessionsFrom. The events of one client come in the order of
	// their rows. yield must not keep the event. ErrNotArchived if a row does not
	// hold what a replay needs.
	Events(ctx context.Context, r ArchiveRange, yield func(window int, e *ArchivedEvent) error) error

	// Count returns how many event rows Events would read over.
	Count(ctx context.Context, r ArchiveRange) (int64, error)

	Release()
}

// ArchiveRange says which events.
type ArchiveRange struct {
	SessionsFrom event.Time
	Windows      []event.Time // ascending
}

// ArchivedEvent is a stored event as a replay folds it again.
type ArchivedEvent struct {
	// EventRow is the event's own row. Part is its session. Key is not the event's
	// key, but is ordered as keys were (S4).
	EventRow
	ClientID    string
	SessionID   string // the tracker's own; "" if it gave none
	Sessionless bool   // it lies in no counted session (S13, S38)
	// Synthetic rows beside it (S15).
	SessionStart bool
	FirstVisit   bool
}

// ArchivedClient is what final sessions say of a client's past (S16).
type ArchivedClient struct {
	Client   event.RowID // its number
	ClientID string
	Verdict  string
	First    event.Time // its first event
	// Sessions is how many counted ones it had; without any the rest is empty.
	Sessions     int64
	FirstSession event.Time // start of the first
	FirstSource  Source     // of the first
	LastOwn      event.Time // start of the last that brought its own source, if HasOwn
	LastSource   Source     // of that
	HasOwn       bool
}

// Source is where a session came from.
type Source struct{ Source, Medium, Campaign string }

// Replacement is what takes the place of final rows.
type Replacement struct {
	Property event.PropertyID
	From, To event.Time
	// Segments are final segments in directory Dir. They hold rows of Property in
	// [From, To) only.
	Segments []Segment
	Dir      string
}
