// Past: what a client's record said of the time before the log begins. A rebuild
// folds the log anew, and this is all that is left of what the log has forgotten.
package fold

import (
	"fmt"

	"tidemark/internal/event"
)

// PastRecord returns the part of a record that lies before offset `start` of the
// partition and before `began`, the IngestTime of the record there: number, first event,
// first session, last own source. Nil if the client was not known then.
func PastRecord(record []byte, start event.Offset, began event.Time) ([]byte, error) {
	var r ClientRecord
	if err := r.UnmarshalVT(record); err != nil {
		return nil, fmt.Errorf("decode client record: %w", err)
	}
	if r.Number&stranger != 0 || event.RowID(r.Number).Offset() >= start {
		return nil, nil
	}
	past := &ClientRecord{Number: r.Number, ClientId: r.ClientId, History: &History{}}
	if r.FirstEvent != nil && event.RowID(r.FirstRow).Offset() < start {
		past.FirstEvent, past.FirstRow, past.LastEventTime = r.FirstEvent, r.FirstRow, r.FirstEvent.EventTime
	}
	if h := r.History; h != nil {
		if first := h.FirstSession; first != nil && event.Time(first.Place.EventTime) < began {
			past.History.FirstSession, past.History.Sessions = first, 1
		}
		if h.LastOrigin != nil && event.Time(h.LastOriginStart) < began {
			past.History.LastOrigin, past.History.LastOriginStart = h.LastOrigin, h.LastOriginStart
		}
	}
	out, err := past.MarshalVT()
	if err != nil {
		return nil, fmt.Errorf("encode client record: %w", err)
	}
	return out, nil
}
