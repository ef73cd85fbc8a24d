// The ledger of a property (S33, D6).
package api

import (
	"net/http"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
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
	FinalThrough     string `json:"finalThrough"`
	CompleteThrough  string `json:"completeThrough"`
	// Lag is how many records of all properties are accepted and not yet visible.
	Lag int64 `json:"lag"`
	// Lateness of the stored events; the counts add up to stored.
	Lateness     []latenessJSON   `json:"lateness"`
	Completeness completenessJSON `json:"completeness"`
	// TooLateEvents are the latest of them since the server started, oldest first.
	TooLateEvents []tooLateJSON `json:"tooLateEvents"`
}

// tooLateJSON is an event that came too late to count.
type tooLateJSON struct {
	Name        string `json:"name"`
	Page        string `json:"page,omitempty"`
	EventTime   string `json:"eventTime"`
	IngestTime  string `json:"ingestTime"`
	LateSeconds int64  `json:"lateSeconds"`
	Partition   uint16 `json:"partition"` // with Offset: its place in the event log
	Offset      uint64 `json:"offset"`
}

func tooLateOf(latest []ledger.TooLate) []tooLateJSON {
	out := make([]tooLateJSON, 0, len(latest))
	for _, e := range latest {
		out = append(out, tooLateJSON{Name: e.Name, Page: e.Page, EventTime: timeText(e.EventTime), IngestTime: timeText(e.IngestTime),
			LateSeconds: int64(e.IngestTime.Sub(e.EventTime).Seconds()), Partition: uint16(e.Row.Partition()),
			Offset: uint64(e.Row.Offset())})
	}
	return out
}

// latenessJSON is a bucket: events that came less than UnderSeconds after they
// happened, and not in the bucket before. The last one includes its end.
type latenessJSON struct {
	UnderSeconds int64 `json:"underSeconds"`
	Events       int64 `json:"events"`
}

// completenessJSON says how often completeThrough was contradicted: by events that
// happened before the time that had just been called complete.
type completenessJSON struct {
	Claimed      float64 `json:"claimed"` // share of events that should come in time
	Contradicted int64   `json:"contradicted"`
	Of           int64   `json:"of"`
}

func latenessOf(l ledger.Lateness) []latenessJSON {
	out := make([]latenessJSON, 0, len(l))
	for i, bound := range ledger.LatenessBounds() {
		out = append(out, latenessJSON{UnderSeconds: int64(bound.Seconds()), Events: l[i]})
	}
	return out
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
		FinalThrough: timeText(fresh.FinalThrough), CompleteThrough: timeText(fresh.CompleteThrough),
		Lag: fresh.Lag, Lateness: latenessOf(l.Lateness),
		Completeness:  completenessJSON{Claimed: ledger.CompleteShare, Contradicted: l.Contradicted, Of: l.Stored},
		TooLateEvents: tooLateOf(l.Latest),
	})
	return nil
}
