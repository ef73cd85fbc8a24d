// Ledger: the fold's side of the account of events (S33).
package fold

import (
	"tidemark/internal/event"
	"tidemark/internal/ledger"
)

// account is one property's outcomes: all, and those already taken.
type account struct {
	property event.PropertyID
	ledger.Outcomes
	taken   ledger.Outcomes
	touched bool
}

// ledger returns the outcomes of p, to be added to.
func (f *Fold) ledger(p event.PropertyID) *ledger.Outcomes {
	a := f.accounts[p]
	if a == nil {
		a = &account{property: p}
		f.accounts[p] = a
	}
	if !a.touched {
		a.touched = true
		f.touchedAccounts = append(f.touchedAccounts, a)
	}
	return &a.Outcomes
}

// TakeOutcomes adds to `to` what became of events since it was called last. The
// processor publishes it together with the rows, so that an event counts as
// stored only once it can be seen.
func (f *Fold) TakeOutcomes(to map[event.PropertyID]ledger.Outcomes) {
	for _, a := range f.touchedAccounts {
		sum := to[a.property]
		sum.Add(&a.Outcomes)
		sum.Subtract(&a.taken)
		to[a.property] = sum
		a.taken, a.touched = a.Outcomes, false
	}
	f.touchedAccounts = f.touchedAccounts[:0]
}

// Ledgers returns a copy of all accounts.
func (f *Fold) Ledgers() map[event.PropertyID]ledger.Outcomes {
	out := make(map[event.PropertyID]ledger.Outcomes, len(f.accounts))
	for id, a := range f.accounts {
		out[id] = a.Outcomes
	}
	return out
}
