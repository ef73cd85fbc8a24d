// Again: a fold that was at one offset begins again at one before it, where the log now begins. What it knew
// beside its clients (past.go) is cut back here.
package fold

import (
	"maps"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

// Settlement is what the accounts of a partition are at an offset, whatever was counted on the way there: of records
// that the log has forgotten nobody else can tell what became of them (S33).
type Settlement struct {
	At      event.Offset                         `json:"at"`
	Ledgers map[event.PropertyID]ledger.Outcomes `json:"ledgers"`
}

// Again returns the snapshot of a fold that begins at an offset that s, which is of the offset at, lies behind. clock is that of
// the partition there, or less, and began the IngestTime of the record there; both are 0 if nobody knows.
func (s *Snapshot) Again(clock, began event.Time, at event.Offset) *Snapshot {
	out := &Snapshot{Clock: clock, Definitions: maps.Clone(s.Definitions), Verdicts: s.Verdicts, Erased: map[string]event.Time{},
		Settlement: &Settlement{At: at, Ledgers: maps.Clone(s.Ledgers)}}
	for key, when := range s.Erased {
		if when < began { // others come again
			out.Erased[key] = when
		}
	}
	if was := s.Settlement; was != nil { // it was not there yet
		out.Settlement = was
	}
	return out
}

// settle sets the accounts when everything before next was applied.
func (f *Fold) settle(next event.Offset) {
	s := f.settlement
	if s == nil || next < s.At {
		return
	}
	f.settlement = nil
	for id := range f.accounts {
		*f.ledger(id) = s.Ledgers[id]
	}
	for id, is := range s.Ledgers {
		*f.ledger(id) = is
	}
}
