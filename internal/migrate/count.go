// Counts: what was received, in the account of the target (MG5).
//
// The origin keeps sums by property, day and reason; records behind the commit point are counted with the record
// itself. What was accepted before it is taken from the outcomes of the folds, for these are of the commit point
// exactly, and put on one day. When the origin stands still, the sums of both sides are compared key by key, and
// what differs is appended: then the days are right as well.
package migrate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// countKey is what sums are kept for.
type countKey struct {
	property event.PropertyID
	day      int32
	reason   event.RefuseReason
}

func sumsOf(counts []eventlog.Count) map[countKey]int64 {
	out := map[countKey]int64{}
	for _, c := range counts {
		out[countKey{c.Property, c.Day, c.Reason}] += c.N
	}
	return out
}

// receivedBefore is what was received before the commit point: the target's log begins with it, so that nothing is accounted for
// before it was received (MG5). Refusals are taken as they are now: they balance by themselves.
func (m *Mover) receivedBefore(ctx context.Context) ([]eventlog.Count, error) {
	now, err := m.deps.Origin.Counts(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[countKey]int64{}
	for key, n := range sumsOf(now) {
		if key.reason != "" {
			sums[key] = n
		}
	}
	day := dayOf(latest(m.folds))
	for _, by := range m.outcomes(m.folds) {
		for id, o := range by {
			sums[countKey{property: id, day: day}] += accepted(o)
		}
	}
	return missing(sums, nil), nil
}

// settleCounts makes the sums of both sides equal, of an origin that stands still and is copied to its end.
func (m *Mover) settleCounts(ctx context.Context) error {
	want, err := m.deps.Origin.Counts(ctx)
	if err != nil {
		return err
	}
	have, err := m.target.Log.Counts(ctx)
	if err != nil {
		return err
	}
	return m.appendCounts(ctx, sumsOf(want), sumsOf(have))
}

// countsAtOnce is how many go into one record of the log, with room to spare.
const countsAtOnce = 200

// appendCounts appends what have lacks of want.
func (m *Mover) appendCounts(ctx context.Context, want, have map[countKey]int64) error {
	for portion := range slices.Chunk(missing(want, have), countsAtOnce) {
		if err := m.step("append counts"); err != nil {
			return err
		}
		if err := m.target.Log.Append(ctx, &eventlog.Batch{Counts: portion}); err != nil {
			return fmt.Errorf("append counts: %w", err)
		}
	}
	return nil
}

// missing is what have lacks of want. Those that add go first, so that nothing is accounted for before it was received.
func missing(want, have map[countKey]int64) []eventlog.Count {
	var out []eventlog.Count
	for key, n := range want {
		if by := n - have[key]; by != 0 {
			out = append(out, eventlog.Count{Property: key.property, Day: key.day, Reason: key.reason, N: by})
		}
	}
	for key, n := range have {
		if _, known := want[key]; !known && n != 0 {
			out = append(out, eventlog.Count{Property: key.property, Day: key.day, Reason: key.reason, N: -n})
		}
	}
	slices.SortFunc(out, func(a, b eventlog.Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Property, b.Property), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
