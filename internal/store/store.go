// The Store contract.
package store

import (
	"context"
	"errors"
	"slices"

	"tidemark/internal/event"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	ErrCorrupt     = errors.New("store segment is corrupt")
	ErrTooManyRows = errors.New("the answer has too many rows")
	ErrResources   = errors.New("the query needs more memory or time than it may use")
	ErrNotArchived = errors.New("rows of an older version do not hold what a replay needs")
	ErrUnsupported = errors.New("the plan names a column that its relation does not have")
)

// Store keeps rows and answers plans.
type Store interface {
	// Append adds b to the open head, visible to snapshots taken later (T1).
	// It must not keep b. After an error the store takes no more rows: the caller
	// opens it again and goes on from its last commit.
	Append(ctx context.Context, b *Batch) error

	// Seal closes the open head, opens the next, and returns the sealed one.
	// Rows stay visible.
	Seal(ctx context.Context) (Head, error)

	// WriteSegments writes a sealed head to segment files (T3). Calling it again
	// for the same head writes the same rows to new files.
	WriteSegments(ctx context.Context, h Head) ([]Segment, error)

	// Install makes m the set of segments that new snapshots read and drops
	// `heads`, as one step: no snapshot sees rows twice or misses them.
	Install(ctx context.Context, m Manifest, heads ...Head) error

	// Compact merges segments of m that are worth merging and writes the
	// result (T3). Nil if there is nothing to do; otherwise there may be more to
	// do once the change is installed. The caller commits the change and installs it;
	// files of removed segments are deleted by the store once no snapshot needs
	// them. m must be installed, here and in OpenSessions and Finalize.
	Compact(ctx context.Context, m Manifest) (*Change, error)

	// OpenSessions returns, for each property with young rows in m, what decides
	// how far it can become final.
	OpenSessions(ctx context.Context, m Manifest, finalThrough event.Time) (map[event.PropertyID]Open, error)

	// Finalize writes the final rows of every property in until, from its
	// FinalUntil in m to until (S28), and drops young segments that no later
	// day needs. Times in until must be ends of local days: a part lies within one,
	// unless the property's zone changed meanwhile.
	// The caller commits the change together with the new FinalUntil and
	// DayVersion. Nil if there are no rows and nothing to drop.
	Finalize(ctx context.Context, m Manifest, until map[event.PropertyID]event.Time) (*Change, error)

	// RollUp makes cells of final days of m from their rows, in place of what cells
	// these days have (T8). The caller commits the change together with the
	// property's Rollups. Nil if there are no rows and nothing to replace.
	RollUp(ctx context.Context, m Manifest, spans []RollupSpan) (*Change, error)

	// ReplaceFinal writes the final segments that hold rows of r.Property in [r.From,
	// r.To) again without them, and takes over r.Segments instead, which another
	// store of the same kind wrote by Finalize. The caller commits the change together with
	// a new DayVersion. m must be installed, and [r.From, r.To) lie before FinalUntil.
	ReplaceFinal(ctx context.Context, m Manifest, r Replacement) (*Change, error)

	// Archive pins the committed rows of a property for a replay to read.
	Archive(ctx context.Context, p event.PropertyID) (Archive, error)

	// Erase rewrites the segments of m without the rows of clients (T10); those of young
	// clients must have been written. The caller commits the change, and has cells made
	// again of the final days that it touched. Nil if there are no such rows.
	Erase(ctx context.Context, m Manifest, of []Erasure) (*Erased, error)

	// DropRows writes the segments of m again without the rows of each span's property
	// that lie before its To (From only bounds where Zone tells offsets), and moves the cells of these days to KeptCells
	// (T11). A session goes with the day on which it ended. Days before To must be final and
	// have cells of the span's zone. The caller commits the change together with
	// Manifest.WithoutRows. Nil if there is nothing to change.
	DropRows(ctx context.Context, m Manifest, spans []RollupSpan) (*Change, error)

	// Snapshot pins the rows that are visible now (T2).
	Snapshot(ctx context.Context) (Snapshot, error)

	Close() error
}

// Snapshot answers plans from one state of the store. Release must be called.
type Snapshot interface {
	// Run answers p, or returns a *GoneError (T11). It may be called by several goroutines. The answer may be
	// given to others too: it must not be changed.
	Run(ctx context.Context, p *Plan) (*Rows, error)
	// ClientsOf returns the client ids with which a user id of the property was seen,
	// in order.
	ClientsOf(ctx context.Context, p event.PropertyID, userID string) ([]string, error)
	// Manifest returns the segments behind the snapshot.
	Manifest() Manifest
	Release()
}

// Head names an in-memory generation of rows.
type Head uint64

// Table is a kind of rows.
type Table string

// Tables. Young rows are as the fold made them; final rows were rebuilt (S28).
const (
	YoungEvents   Table = "events"
	YoungSessions Table = "sessions"
	YoungAliases  Table = "aliases"
	FinalEvents   Table = "final_events"
	FinalSessions Table = "final_sessions"
	// RollupCells are made of final rows (rollup.go).
	RollupCells Table = "rollups"
	// KeptCells are cells of days whose rows are gone (retain.go). Nothing makes them
	// again, so nothing takes them out.
	KeptCells Table = "kept_rollups"
	// RollupSketches and KeptSketches are the sketches of users of such cells, where an adapter
	// keeps them apart. A file of them goes wherever its cells go.
	RollupSketches Table = "rollup_sketches"
	KeptSketches   Table = "kept_sketches"
)

// OfCells tells whether t holds cells, or what belongs to them: sums, which name nobody.
func (t Table) OfCells() bool {
	return t == RollupCells || t == KeptCells || t == RollupSketches || t == KeptSketches
}

// Segment is one immutable file of rows of one table.
type Segment struct {
	ID    uint64 `json:"id"`
	Table Table  `json:"table"`
	File  string `json:"file"` // relative to the store's directory
	Level int    `json:"level"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Checksum is XXH3-64 of the file's bytes.
	Checksum uint64 `json:"checksum"`
	// Format is the version of the columns, where an adapter has several.
	Format int `json:"format,omitempty"`
	// Rows lie within these bounds: EventTime, a session's start, an alias' Time; of
	// cells the local time at which their day or hour begins.
	MinTime event.Time `json:"min_time"`
	MaxTime event.Time `json:"max_time"`
	// LastNeeded is the latest time for which the segment may still be joined:
	// EventTime of events, End of sessions, Time of aliases.
	LastNeeded  event.Time       `json:"last_needed"`
	MinProperty event.PropertyID `json:"min_property"`
	MaxProperty event.PropertyID `json:"max_property"`
}

// Manifest is the set of segments that make up the store, with how far each
// property is final. The processor commits it; the store only obeys it.
type Manifest struct {
	Segments []Segment `json:"segments"`
	// FinalUntil is missing for a property none of whose days is final.
	FinalUntil map[event.PropertyID]event.Time `json:"final_until"`
	// DayVersion grows each time days of the property become final or are restated.
	DayVersion map[event.PropertyID]uint64 `json:"day_version"`
	// Rollups are the days that have cells, in order and apart.
	Rollups map[event.PropertyID][]RollupRange `json:"rollups"`
	// Kept are the days whose rows are gone and whose cells are in KeptCells, in order
	// and without gaps, from the beginning of time. Each range keeps the zone that its days
	// had then.
	Kept map[event.PropertyID][]RollupRange `json:"kept,omitempty"`
	// Finals, of a shared store, are the runs of final days with rows, in order and apart.
	Finals map[event.PropertyID][]FinalRange `json:"finals,omitempty"`
	// Restated, of a shared store, are the erasures from final days and the replays of some, oldest first.
	Restated map[event.PropertyID][]Restated `json:"restated,omitempty"`
}

// Change is the outcome of rewriting segments: added ones replace removed ones.
type Change struct {
	Added   []Segment
	Removed []uint64
}

// Apply returns the segments after the change; those given are not touched. A nil Change
// changes nothing.
func (c *Change) Apply(segments []Segment) []Segment {
	if c == nil {
		return slices.Clone(segments)
	}
	kept := slices.DeleteFunc(slices.Clone(segments), func(s Segment) bool { return slices.Contains(c.Removed, s.ID) })
	return append(kept, c.Added...)
}

// Open is what keeps days of a property from becoming final.
type Open struct {
	// EarliestStart of a counted session that starts before finalThrough and
	// Closes after it; zero if there is none.
	EarliestStart event.Time
	// Earliest and latest EventTime of young rows not yet final.
	MinTime, MaxTime event.Time
}
