// Freshness and ledger of a shared store: what any process can tell of the work of all (S27, S33).
package owned

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// Freshness tells how far the rows in a shared store have come.
type Freshness struct {
	Log   eventlog.Log
	Store store.Shared
	// Held returns when the oldest event was accepted that no log has yet; false if there is none. Nil: there
	// can be none.
	Held  func() (event.Time, bool)
	Clock func() time.Time
}

// Freshness implements report.FreshnessSource. Progress is read before the log's ends and counts: so
// nothing is accounted for before it was received, and whoever takes a snapshot
// afterwards sees at least what is claimed.
func (f *Freshness) Freshness(ctx context.Context, id event.PropertyID) (ledger.Freshness, error) {
	progress, err := f.Store.Progress(ctx)
	if err != nil {
		return ledger.Freshness{}, fmt.Errorf("read progress of the store: %w", err)
	}
	sum, err := f.Store.Outcomes(ctx, id)
	if err != nil {
		return ledger.Freshness{}, fmt.Errorf("read outcomes from the store: %w", err)
	}
	out := f.through(progress)
	counts, err := f.Log.CountsOf(ctx, id)
	if err != nil {
		return ledger.Freshness{}, fmt.Errorf("read counts of event log: %w", err)
	}
	l := ledger.Ledger{Refused: map[event.RefuseReason]int64{}, Outcomes: sum}
	for why, n := range counts {
		l.Received += n
		if why == "" {
			l.Accepted += n
		} else {
			l.Refused[why] += n
		}
	}
	l.Pending = l.Accepted - l.Stored - l.Duplicate - l.TooLate - l.Expired - l.Erased
	out.Ledger = l
	return out, nil
}

func (f *Freshness) through(progress []store.Progress) ledger.Freshness {
	by := make([]store.Progress, f.Log.Partitions())
	for _, p := range progress {
		if int(p.Partition) < len(by) {
			by[p.Partition] = p
		}
	}
	out := ledger.Freshness{ProcessedThrough: event.TimeOf(f.Clock())}
	if f.Held != nil {
		if oldest, some := f.Held(); some {
			out.ProcessedThrough = min(out.ProcessedThrough, oldest)
		}
	}
	late := time.Duration(0)
	for i := range by {
		if end := f.Log.End(event.Partition(i)); by[i].Next < end {
			out.Lag += int64(end - by[i].Next)
		}
		// Never "now", even if nothing is pending: the end that this process knows may be behind what
		// a collector elsewhere has just acknowledged. Whatever was acknowledged before the record that
		// set the clock was accepted lies before that record. Ticks move the clocks of quiet partitions.
		out.ProcessedThrough = min(out.ProcessedThrough, by[i].Clock)
		late = max(late, by[i].Claim)
	}
	out.CompleteThrough = out.ProcessedThrough.Add(-late)
	out.FinalThrough = out.ProcessedThrough.Add(-event.FinalLag)
	return out
}
