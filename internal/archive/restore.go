// Restore: which files make up the days that are put back, and how far a store is final with them.
package archive

import (
	"context"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Selection says which days, such as 2026-11-01, first and last; empty: from the first, to the last.
type Selection struct{ From, To string }

// Restorable is what can be put back of a property.
type Restorable struct {
	Property event.PropertyID
	// Until is the end of the last day, Version the largest that the source had.
	Until   event.Time
	Version uint64
	Days    int
	Files   []File // by table, in order of time
}

// GoneError says that days of a selection have no rows in the archive any more. What prepared sums knew of
// them is not archived: without them answers would be smaller, silently.
type GoneError struct {
	Property event.PropertyID
	RowsFrom event.Time
	Day      string
}

// Error implements error.
func (e *GoneError) Error() string {
	return fmt.Sprintf("days of property %s before %s are not in the archive any more: restore from that day on, and know that reports "+
		"of earlier days will be empty", e.Property, e.Day)
}

// Restorable finds the files. A hole between archived days is an error, and so are days whose rows are gone.
func (r *Reader) Restorable(ctx context.Context, p event.PropertyID, s Selection) (*Restorable, error) {
	entries, err := r.Entries(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &Restorable{Property: p}
	for i := range entries {
		out.Version = max(out.Version, entries[i].Version)
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool {
		// Sessions that reach into the first day began before it.
		return e.Day < s.From && !e.Partial || s.To != "" && e.Day > s.To
	})
	if err := checkRows(entries, s); err != nil {
		return nil, err
	}
	at := event.Time(0)
	if s.From != "" && len(entries) > 0 {
		at = entries[0].From
	}
	for i := range entries {
		if from := entries[i].From; from != at {
			return nil, fmt.Errorf("property %s: nothing is archived between %v and %v: an entry is missing; a server that has these days "+
				"archives them again when it starts", p, at, from)
		}
		at = entries[i].To
	}
	for i := range entries {
		out.Until = entries[i].To
		if len(entries[i].Files) > 0 {
			out.Days++
		}
	}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		for i := range entries {
			for _, f := range entries[i].Files {
				if f.Table == t {
					out.Files = append(out.Files, f)
				}
			}
		}
	}
	return out, nil
}

func checkRows(entries []Entry, s Selection) error {
	var gone *GoneError
	for i := range entries {
		if e := &entries[i]; (e.Gone != "" || e.Partial) && e.Day >= s.From {
			gone = &GoneError{Property: e.Property, RowsFrom: e.To}
		} else if gone != nil && gone.Day == "" {
			gone.Day = e.Day
		}
	}
	if gone == nil {
		return nil
	}
	if gone.Day == "" {
		gone.Day = gone.RowsFrom.Std().Format("2006-01-02")
	}
	return gone
}

// Batches cuts files into runs of one table with about so many rows.
func (r *Restorable) Batches(rows int64) (out [][]File) {
	var n int64
	for _, f := range r.Files {
		last := len(out) - 1
		if last < 0 || n+f.Rows > rows || out[last][0].Table != f.Table {
			out, n = append(out, nil), 0
			last++
		}
		out[last] = append(out[last], f)
		n += f.Rows
	}
	return out
}
