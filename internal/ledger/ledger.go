// Outcomes, Ledger and Freshness.
package ledger

import "tidemark/internal/event"

// Outcomes is what became of accepted events, as the fold counts it.
type Outcomes struct {
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	TooLate   int64 `json:"too_late"`
	Expired   int64 `json:"expired"`
	Erased    int64 `json:"erased"`
	// Beside the balance: rows that no event stands behind (S15), events older
	// than the state horizon (S32), events beyond a client's bounds (S38), events
	// whose clock lay ahead (S2), late ones that still counted.
	Synthetic int64 `json:"synthetic"`
	Unmerged  int64 `json:"unmerged"`
	Overflow  int64 `json:"overflow"`
	Clamped   int64 `json:"clamped"`
	Late      int64 `json:"late"`
	// Contradicted events happened before the time through which their partition had
	// just been called complete (S27).
	Contradicted int64 `json:"contradicted"`
	// Lateness of the stored events.
	Lateness Lateness `json:"lateness"`
}

// Add adds m to o.
func (o *Outcomes) Add(m *Outcomes) {
	o.Stored += m.Stored
	o.Duplicate += m.Duplicate
	o.TooLate += m.TooLate
	o.Expired += m.Expired
	o.Erased += m.Erased
	o.Synthetic += m.Synthetic
	o.Unmerged += m.Unmerged
	o.Overflow += m.Overflow
	o.Clamped += m.Clamped
	o.Late += m.Late
	o.Contradicted += m.Contradicted
	for i, n := range m.Lateness {
		o.Lateness[i] += n
	}
}

// Subtract takes m from o.
func (o *Outcomes) Subtract(m *Outcomes) {
	o.Stored -= m.Stored
	o.Duplicate -= m.Duplicate
	o.TooLate -= m.TooLate
	o.Expired -= m.Expired
	o.Erased -= m.Erased
	o.Synthetic -= m.Synthetic
	o.Unmerged -= m.Unmerged
	o.Overflow -= m.Overflow
	o.Clamped -= m.Clamped
	o.Late -= m.Late
	o.Contradicted -= m.Contradicted
	for i, n := range m.Lateness {
		o.Lateness[i] -= n
	}
}

// Ledger is the account of a property's events (S33).
type Ledger struct {
	Received int64
	Refused  map[event.RefuseReason]int64
	Accepted int64
	// Pending: accepted, and not yet visible.
	Pending int64
	Outcomes
	// Latest are the last events that came too late since the server started.
	Latest []TooLate
}

// Balanced tells whether every received event is accounted for (D6). Received,
// Accepted and Outcomes are counted in different places; Pending is their
// difference, so a negative one is an error in the account.
func (l Ledger) Balanced() bool {
	refused := int64(0)
	for _, n := range l.Refused {
		refused += n
	}
	return l.Pending >= 0 && l.Received == refused+l.Accepted &&
		l.Accepted == l.Pending+l.Stored+l.Duplicate+l.TooLate+l.Expired+l.Erased
}

// Freshness is how far the visible rows have come (S27).
type Freshness struct {
	ProcessedThrough event.Time // all events accepted before it are in the answer
	FinalThrough     event.Time // days that ended before it can change no more
	CompleteThrough  event.Time // estimate: most events that happened before it are in
	// Lag is how many records of the log are not yet visible, of all properties.
	Lag    int64
	Ledger Ledger
}
