// The ledger of a property (S33, D6).
package api

import (
	"net/http"

	"tidemark/internal/event"
)

type ledgerJSON struct {
	Property  string                       `json:"property"`
	Received  int64                        `json:"received"`
	Refused   map[event.RefuseReason]int64 `json:"refused"`
	Accepted  int64                        `json:"accepted"`
	Pending   int64                        `json:"pending"`
	Stored    int64                        `json:"stored"`
	Duplicate int64                        `json:"duplicate"`
	TooLate   int64                        `json:"tooLate"`
	Expired   int64                        `json:"expired"`
	Erased    int64                        `json:"erased"`
	// Beside the balance.
	Synthetic        int64  `json:"synthetic"`
	Unmerged         int64  `json:"unmerged"`
	Overflow         int64  `json:"overflow"`
	Clamped          int64  `json:"clamped"`
	Late             int64  `json:"late"`
	Balanced         bool   `json:"balanced"`
	ProcessedThrough string `json:"processedThrough"`
}

func (a *API) ledger(w http.ResponseWriter, r *http.Request) error {
	p, err := a.readable(r)
	if err != nil {
		return err
	}
	fresh, err := a.deps.Reports.Freshness(r.Context(), p.ID)
	if err != nil {
		return err
	}
	l := fresh.Ledger
	if l.Refused == nil {
		l.Refused = map[event.RefuseReason]int64{}
	}
	writeJSON(w, http.StatusOK, ledgerJSON{
		Property: p.ID.String(), Received: l.Received, Refused: l.Refused, Accepted: l.Accepted, Pending: l.Pending,
		Stored: l.Stored, Duplicate: l.Duplicate, TooLate: l.TooLate, Expired: l.Expired, Erased: l.Erased,
		Synthetic: l.Synthetic, Unmerged: l.Unmerged, Overflow: l.Overflow, Clamped: l.Clamped, Late: l.Late,
		Balanced: l.Balanced(), ProcessedThrough: timeText(fresh.ProcessedThrough),
	})
	return nil
}
