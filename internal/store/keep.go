// Upkeep of a shared store: days become final, get cells, lose the rows of who was erased
// and of what is not kept any longer. What a store of one process does by segments and
// a commit (store.go), a shared one does by itself, step by step.
package store

import (
	"context"
	"errors"

	"tidemark/internal/event"
)

// ErrTermOver: somebody with a later term keeps the store. Whoever gets it stops.
var ErrTermOver = errors.New("another node keeps the store")

// Keeper does the upkeep of a shared store. One process does it at a time, and that may be wrong: it may have
// stood still while another one took over. Terms tell them apart.
//
//	U5  Each method changes answers in one step, when it is through, or not at all: whatever it wrote
//	    before is in none. A method that failed can be called again, by this Keeper
//	    or a later one.
//	U6  After Keep returned a Keeper of a later term, nothing that one of an earlier term
//	    does or did in part is in any answer, and none of it harms rows that are. It gets ErrTermOver
//	    at the latest when it would commit.
//	U7  A final day answers as it did young, cells as the rows that they are made of (T5, T8).
//	    A snapshot that is held answers the same before and after (T2), and may fail with an
//	    error once it is held for longer than the store allows (Tidy).
//	U8  After Erase returned no row of these clients that is older than the erasure is in any answer,
//	    whatever snapshot, nor in a file that the database still reads.
//
// A Keeper is for one goroutine.
type Keeper interface {
	// Manifest returns what was committed; Segments are empty. The maps are the caller's.
	Manifest() Manifest

	// OpenSessions returns, for each property with rows not yet final, what decides how
	// far it can become final. Published rows count only.
	OpenSessions(ctx context.Context, finalThrough event.Time) (map[event.PropertyID]Open, error)

	// Finalize makes days final, of every property in until from its FinalUntil to there (S28). Times in until
	// are ends of local days, and nothing that is inserted later lies before them.
	Finalize(ctx context.Context, until map[event.PropertyID]event.Time) error

	// FirstFinal returns a time, not before from and not after to, before which the property has neither
	// final rows nor cells at or after from.
	FirstFinal(ctx context.Context, p event.PropertyID, from, to event.Time) (event.Time, error)

	// RollUp makes the cells of spans from their rows, in place of what cells these days
	// have (T8), and notes them as made says (Manifest.NoteRollup).
	RollUp(ctx context.Context, spans []RollupSpan, made map[event.PropertyID]RollupRange) error

	// Erasures are those of the store: of published batches, not carried out, in order.
	Erasures(ctx context.Context) ([]Erasure, error)

	// Erase carries out erasures (U8). Their events move from stored to erased in Outcomes, once.
	// Final days that lost rows lose their cells in the same step and get another edition, and what it did is
	// noted as of `at`, with the local days that `days` tells (Manifest.NoteErased). It
	// returns the EventTime of the first and last event of each property that it removed.
	Erase(ctx context.Context, of []Erasure, at event.Time, days DaysAround) (map[event.PropertyID][2]event.Time, error)

	// DropRows removes rows of days whose cells stay, as Store.DropRows does (T11), and
	// notes that in the Manifest. All days of a span before To have cells of one zone (Manifest.CellsZone).
	DropRows(ctx context.Context, spans []RollupSpan) error

	// Tidy removes what no answer needs any more: young rows of days that are final for every
	// property, what interrupted calls left. Snapshots that are held for longer than the store's
	// grace may miss it.
	Tidy(ctx context.Context) error
}

// DaysAround returns where the local day of a property in which first lies begins, and where that of last ends.
type DaysAround func(p event.PropertyID, first, last event.Time) (from, to event.Time)

// FinalRange is a run of final days of a property that were written together. Names of a
// range: whoever finds the same Run and Edition finds the same rows.
type FinalRange struct {
	From    event.Time `json:"from"`
	To      event.Time `json:"to"`
	Run     uint64     `json:"run"`
	Edition uint64     `json:"edition"` // grows when rows are taken out
}

// Restated says that final days in [From, To) were changed (S29).
type Restated struct {
	At   event.Time `json:"at"`
	From event.Time `json:"from"`
	To   event.Time `json:"to"`
	// Why is WhyReplay; empty: an erasure.
	Why string `json:"why,omitempty"`
}
