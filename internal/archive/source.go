// Source: where final days come from, and what tells whether a day changed.
package archive

import (
	"context"
	"fmt"
	"hash"
	"math"
	"strconv"
	"time"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Source gives out final rows.
type Source interface {
	store.Exporter

	// Finals returns the properties that have final days.
	Finals(ctx context.Context) (map[event.PropertyID]Final, error)

	// Zone returns a property's time zone, as IANA names it.
	Zone(ctx context.Context, p event.PropertyID) (string, error)
}

// Final is how far a property is final, and what happened to its final days.
type Final struct {
	store.FinalState
	// Changes are in the order in which they happened, and stay.
	Changes []Change
}

// Change says that final rows in [From, To) were changed: Note names the change.
type Change struct {
	From, To event.Time
	Note     string
}

// sessionReach is how long a session can reach over a day (S12), and a day more for zones: so
// long after a day some of its sessions may be kept whose events were dropped.
const sessionReach = event.Time(5*24*time.Hour) / event.Time(time.Microsecond)

// longestDay is at least as long as any local day.
const longestDay = event.Time(26*time.Hour) / event.Time(time.Microsecond)

// mark tells the rows of [from, to) from what they were or will be: it differs if a
// change touched them since.
func (f *Final) mark(from, to event.Time) string {
	var sum hash.Hash64 = xxh3.New()
	n := 0
	for _, c := range f.Changes {
		if c.From < to && from < c.To {
			n++
			fmt.Fprintf(sum, "%d %d %s\n", c.From, c.To, c.Note)
		}
	}
	mark := ""
	if n > 0 {
		mark = fmt.Sprintf("%d changes %016x", n, sum.Sum64())
	}
	if f.isPartial(from, to) {
		mark += " rows from " + strconv.FormatInt(int64(f.RowsFrom), 10)
	}
	return mark
}

// isPartial tells whether rows of [from, to) were dropped. Of a range only its last day has rows:
// what lies before was empty.
func (f *Final) isPartial(from, to event.Time) bool {
	return f.RowsFrom != math.MinInt64 && max(from, to-longestDay) < f.RowsFrom
}
