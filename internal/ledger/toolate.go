// TooLate: events that came too late to count, for whoever looks for the cause.
package ledger

import "tidemark/internal/event"

// MaxTooLate is how many of a property's latest ones are kept for reading. All of them
// are counted, and all lie in the event log as long as it is kept.
const MaxTooLate = 50

// TooLate is an event that came later than allowed (S3).
type TooLate struct {
	Row        event.RowID // its place in the log
	Name       string
	Page       string // address as sent, without its query; "" if there is none
	EventTime  event.Time
	IngestTime event.Time
}

// KeepTooLate adds one to the latest, oldest first.
func KeepTooLate(latest []TooLate, e TooLate) []TooLate {
	if len(latest) >= MaxTooLate {
		latest = append(latest[:0:0], latest[len(latest)-MaxTooLate+1:]...)
	}
	return append(latest, e)
}
