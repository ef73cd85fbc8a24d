// Ledger: the fold's side of the account of events (S33).
package fold

import (
	"strings"

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

// tooLate is an event that came too late, until TakeTooLate.
type tooLate struct {
	property event.PropertyID
	ledger.TooLate
}

// noteTooLate keeps what is told of an event that came too late. A flood of them is
// cut: only the latest are ever shown.
func (f *Fold) noteTooLate(e *event.Event) {
	page, _, _ := strings.Cut(e.Url, "?")
	if len(f.tooLate) >= 4*ledger.MaxTooLate {
		f.tooLate = append(f.tooLate[:0], f.tooLate[2*ledger.MaxTooLate:]...)
	}
	f.tooLate = append(f.tooLate, tooLate{event.PropertyID(e.Property), ledger.TooLate{Row: f.now, Name: strings.Clone(e.Name),
		Page: strings.Clone(page), EventTime: event.Time(e.EventTime), IngestTime: event.Time(e.IngestTime)}})
}

// TakeTooLate hands over the events that came too late since it was called last.
func (f *Fold) TakeTooLate(to func(event.PropertyID, ledger.TooLate)) {
	for _, e := range f.tooLate {
		to(e.property, e.TooLate)
	}
	clear(f.tooLate)
	f.tooLate = f.tooLate[:0]
}
