// Entries: what is archived of a range, as a small object of JSON that is the commit point.
package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

// FormatVersion is of entries and of the layout of keys.
const FormatVersion = 1

// maxEntry bounds what is read as one.
const maxEntry = 1 << 20

// ErrNewer: a later program wrote it.
var ErrNewer = errors.New("the archive was written by a newer version of tidemark")

// Entry says what is archived of a property in [From, To).
type Entry struct {
	Property event.PropertyID
	From, To event.Time
	Edition  uint64
	// Day is the local day whose rows it has, by the Zone that the property had; the last one if it
	// stands for several without rows.
	Day, Zone string
	// Version is the source's when the rows were read; Mark tells one state of the range's rows
	// from another.
	Version uint64
	Mark    string
	// Gone says why there are no rows any more; "" if they are there.
	Gone string
	// Partial: rows of its last day were dropped, but for sessions that reach into later days.
	Partial bool
	Made    time.Time // a ProcessTime
	// Files are Parquet files, in order of table and time. A range without rows has none.
	Files []File
}

// File is one object.
type File struct {
	Table store.Table `json:"table"`
	Key   string      `json:"key"`
	Rows  int64       `json:"rows"`
	Bytes int64       `json:"bytes"`
	Sum   string      `json:"sha256"`
}

// Rows returns how many rows of a table e has.
func (e *Entry) Rows(t store.Table) (n int64) {
	for _, f := range e.Files {
		if f.Table == t {
			n += f.Rows
		}
	}
	return n
}

// Events returns how many rows of events e has, synthetic ones among them.
func (e *Entry) Events() int64 { return e.Rows(store.FinalEvents) }

// Sessions returns how many rows of sessions e has.
func (e *Entry) Sessions() int64 { return e.Rows(store.FinalSessions) }

// Bytes returns how long its files are.
func (e *Entry) Bytes() (n int64) {
	for _, f := range e.Files {
		n += f.Bytes
	}
	return n
}

// wireEntry is how an entry is written. From and To are in RFC 3339 for a person who looks.
type wireEntry struct {
	Format   int       `json:"format"`
	Property string    `json:"property"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Edition  uint64    `json:"edition"`
	Day      string    `json:"day"`
	Zone     string    `json:"zone"`
	Version  uint64    `json:"version"`
	Mark     string    `json:"mark,omitempty"`
	Gone     string    `json:"gone,omitempty"`
	Partial  bool      `json:"partial,omitempty"`
	Made     time.Time `json:"made"`
	Files    []File    `json:"files,omitempty"`
}

// sealed is the entry with the SHA-256 of its bytes, for stores that do not
// find damage by themselves.
type sealed struct {
	Entry json.RawMessage `json:"entry"`
	Sum   string          `json:"sha256"`
}

// encode returns the object's bytes.
func (e *Entry) encode() ([]byte, error) {
	b, err := json.Marshal(wireEntry{Format: FormatVersion, Property: e.Property.String(), From: e.From.Std(), To: e.To.Std(), Edition: e.Edition,
		Day: e.Day, Zone: e.Zone, Version: e.Version, Mark: e.Mark, Gone: e.Gone, Partial: e.Partial, Made: e.Made.UTC(), Files: e.Files})
	if err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	sum := sha256.Sum256(b)
	out, err := json.Marshal(sealed{b, hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	return append(out, '\n'), nil
}

// decodeEntry reads what encode made. at is where it lay: what it says of itself must agree.
func decodeEntry(b []byte, at place) (*Entry, error) {
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%w: entry is no JSON: %w", blob.ErrCorrupt, err)
	}
	if sum := sha256.Sum256(bytes.TrimSpace(s.Entry)); hex.EncodeToString(sum[:]) != s.Sum {
		return nil, fmt.Errorf("%w: entry is not what its checksum says", blob.ErrCorrupt)
	}
	var w wireEntry
	if err := json.Unmarshal(s.Entry, &w); err != nil {
		return nil, fmt.Errorf("%w: entry cannot be read: %w", blob.ErrCorrupt, err)
	}
	if w.Format > FormatVersion {
		return nil, fmt.Errorf("entry has format %d: %w", w.Format, ErrNewer)
	}
	id, err := event.ParsePropertyID(w.Property)
	if err != nil {
		return nil, fmt.Errorf("%w: entry names property %q", blob.ErrCorrupt, w.Property)
	}
	e := &Entry{Property: id, From: event.TimeOf(w.From), To: event.TimeOf(w.To), Edition: w.Edition, Day: w.Day, Zone: w.Zone,
		Version: w.Version, Mark: w.Mark, Gone: w.Gone, Partial: w.Partial, Made: w.Made, Files: w.Files}
	if e.place() != at || e.To <= e.From {
		return nil, fmt.Errorf("%w: entry is of another place: it was copied to where it is", blob.ErrCorrupt)
	}
	return e, nil
}
