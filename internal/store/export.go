// Export: final rows given out as Parquet files that other programs read, and taken in
// again. Package archive keeps such files; docs/format/archive.md says what is in them.
package store

import (
	"context"
	"errors"
	"io"
	"os"

	"tidemark/internal/event"
)

// ExportFormat is the version of the columns of exported files, in their metadata as
// tidemark_archive. Whoever writes files of a newer one still reads all older ones.
const ExportFormat = 1

// Exporter gives out final rows.
type Exporter interface {
	// Export pins the final rows of a property as they are committed now.
	Export(ctx context.Context, p event.PropertyID) (Export, error)
}

// FinalState tells one state of a property's final rows from another: with the same
// Version and RowsFrom the rows before Until are the same.
type FinalState struct {
	Until   event.Time // rows before it are final
	Version uint64     // Manifest.DayVersion
	// RowsFrom is from when on there are all rows; those before were dropped, but for sessions
	// that reach over it (S30). The smallest time if none were.
	RowsFrom event.Time
}

// Export is the final rows of one property, pinned until Release. Events lie at their
// EventTime, sessions at their start. For one goroutine.
type Export interface {
	// State returns what is pinned; false if no day of the property is final.
	State() (FinalState, bool)

	// FirstRow returns when the first row at or after from lies; false if there is none.
	FirstRow(ctx context.Context, from event.Time) (event.Time, bool, error)

	// Count returns how many rows of a final table lie in [from, to).
	Count(ctx context.Context, t Table, from, to event.Time) (int64, error)

	// Write returns the rows of a final table in [from, to) as a Parquet file, in order of
	// time and row. The file has no name any more: it is gone once it is closed. nil without an error: there
	// is no row.
	Write(ctx context.Context, t Table, from, to event.Time) (*os.File, error)

	Release()
}

// Importer makes rows of a store of exported files.
type Importer interface {
	// ImportDir returns where files must lie to be imported. What is in it when the store
	// is opened is deleted.
	ImportDir() (string, error)

	// Import makes final segments of files of one table and property that Export wrote, in order of time (T3).
	// The caller names them in the manifest with which it opens the store next, or commits them.
	Import(ctx context.Context, p event.PropertyID, t Table, files []string) ([]Segment, error)
}

// ErrHasFinal: the property has final days, and none is put in their place.
var ErrHasFinal = errors.New("the store has final days of the property")

// Restorer is a Keeper that takes exported files in again.
type Restorer interface {
	Keeper

	// Restore makes the rows of files final rows of a property that has no final day, as one step (U5, U6): the property is
	// final until r.Until then. Before that, check is told where the rows came from, and can refuse. ErrHasFinal.
	Restore(ctx context.Context, r *Restoration, check func([]RowsFrom) error) error
}

// Restoration is what is put back of a property.
type Restoration struct {
	Property event.PropertyID
	Until    event.Time
	Version  uint64 // Manifest.DayVersion from then on
	Files    []RestoredFile
}

// RestoredFile is a file that Export wrote.
type RestoredFile struct {
	Table Table
	Rows  int64
	// Copy writes the file. What it wrote counts only if it returns nil.
	Copy func(ctx context.Context, to io.Writer) error
}

// RowsFrom is what restored rows say of the partition of the log that they came from.
type RowsFrom struct {
	Partition event.Partition
	// Next is behind the largest offset that a row, session or client has as its number.
	Next event.Offset
	// Row is the number of the last event, Property and Ingest are its property and IngestTime; zeros if there is none.
	Row      event.RowID
	Property event.PropertyID
	Ingest   event.Time
}

// StateOf returns what m says of a property's final rows; false if no day is final.
func (m *Manifest) StateOf(p event.PropertyID) (FinalState, bool) {
	until, ok := m.FinalUntil[p]
	from, _ := m.RowsFrom(p)
	return FinalState{Until: until, Version: m.DayVersion[p], RowsFrom: from}, ok
}
