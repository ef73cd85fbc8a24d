// Replace: rows that a replay made take the place of final days of a shared store (S29). They go in before anything says
// that they count, so that the switch itself is short: whoever keeps the store meanwhile goes on.
package store

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"tidemark/internal/event"
)

// ErrRestated: final days of the property were changed since their rows were read: what an erasure took must not come back.
var ErrRestated = errors.New("final days of the property were changed meanwhile: replay again")

// ErrRowsGone: rows of the days are not kept any more (S30).
var ErrRowsGone = errors.New("rows of these days are not kept any more")

// ErrUnprepared: rows that were prepared are not there any more, or soon will not be: they are to be prepared again.
var ErrUnprepared = errors.New("rows that were prepared are not all there any more")

// WhyReplay is a replay's reason in a note of changed days.
const WhyReplay = "replay"

// Replacer is a Shared that takes other rows for days that are final.
type Replacer interface {
	Shared

	// Prepare makes rows durable that are to take the place of final ones, and writes again what the ranges
	// that they touch have beyond them. It changes no answer, whatever becomes of it, and needs no term. What it
	// returned can be put in place for half of the store's grace; then it is tidied up. ErrRestated, ErrRowsGone.
	Prepare(ctx context.Context, r *Replacing) (*Prepared, error)
}

// ReplacingKeeper is a Keeper that puts in place what was prepared.
type ReplacingKeeper interface {
	Keeper

	// ReplaceFinal makes prepared rows those of their days, as one step (U5, U6), and notes that as of `at`. These days
	// lose their cells in the same step. It does nothing where that was done already, by whoever. ErrRestated and
	// ErrRowsGone if days are not as they were when the rows were read, ErrUnprepared if it comes too late: nothing has
	// changed then.
	ReplaceFinal(ctx context.Context, p *Prepared, at event.Time) error
}

// Replacing is what takes the place of final days [From, To) of a property.
type Replacing struct {
	Property event.PropertyID
	From, To event.Time
	// Was is what was committed when the rows were read of which these were made.
	Was Manifest
	// Files hold rows of these days only: events by their EventTime, sessions by their start.
	Files []RestoredFile
}

// Prepared names rows that are durable and in no answer. Only who made it knows more of it.
type Prepared struct {
	Property event.PropertyID
	From, To event.Time
	Was      Manifest
	// Ranges take the place of all those of Was that have days in [From, To).
	Ranges []FinalRange
	// Rows is how many each run has, by table.
	Rows map[uint64]map[Table]int64
	// Noted is until when, by the clock of who prepared it, the store was told that it is needed.
	Noted event.Time
}

// YoungExport is an Export that also has the rows behind final days.
type YoungExport interface {
	Export

	// Manifest returns what is pinned.
	Manifest() Manifest

	// WriteYoung returns the rows in [from, to), which lies behind the final days, as Write would if these days had become
	// final now; in several files, each in order.
	WriteYoung(ctx context.Context, t Table, from, to event.Time) ([]*os.File, error)
}

// Touched returns the ranges with days in [from, to).
func Touched(ranges []FinalRange, from, to event.Time) []FinalRange {
	return slices.DeleteFunc(slices.Clone(ranges), func(r FinalRange) bool { return r.To <= from || to <= r.From })
}

// Replaceable says whether m's days are still as they were when the rows of p were read.
func (m *Manifest) Replaceable(id event.PropertyID, from, to event.Time, was *Manifest) error {
	until, final := m.FinalUntil[id]
	switch {
	case !final || to > until || from >= to:
		return errors.New("the range to replace is not final")
	case len(m.Kept[id]) != len(was.Kept[id]):
		return ErrRowsGone
	case len(m.Restated[id]) != len(was.Restated[id]):
		return ErrRestated
	case !slices.Equal(Touched(m.Finals[id], from, to), Touched(was.Finals[id], from, to)):
		return ErrRestated
	}
	if rowsFrom, gone := m.RowsFrom(id); gone && from < rowsFrom {
		return ErrRowsGone
	}
	return nil
}

// IsIn tells whether p was put in place.
func (p *Prepared) IsIn(m *Manifest) bool {
	return slices.ContainsFunc(m.Finals[p.Property], func(r FinalRange) bool {
		return slices.ContainsFunc(p.Ranges, func(own FinalRange) bool { return own.Run == r.Run })
	})
}

// NoteReplaced notes in m that p was put in place. m's maps must be its own.
func (m *Manifest) NoteReplaced(p *Prepared, at event.Time) {
	id := p.Property
	finals := append([]FinalRange(nil), p.Ranges...)
	for _, r := range m.Finals[id] {
		if r.To <= p.From || p.To <= r.From {
			finals = append(finals, r)
		}
	}
	slices.SortFunc(finals, func(a, b FinalRange) int { return cmp.Compare(a.From, b.From) })
	if m.Finals == nil {
		m.Finals = map[event.PropertyID][]FinalRange{}
	}
	if m.Restated == nil {
		m.Restated = map[event.PropertyID][]Restated{}
	}
	m.Finals[id] = finals
	m.DayVersion[id]++
	m.Rollups[id] = WithoutRollups(m.Rollups[id], p.From, p.To)
	m.Restated[id] = append(slices.Clone(m.Restated[id]), Restated{At: at, From: p.From, To: p.To, Why: WhyReplay})
}
