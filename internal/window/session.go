// Session windows (S12): when events and parts belong together.
package window

import (
	"time"

	"tidemark/internal/event"
)

const (
	// SessionIDGap ends a session that carries a tracker's session id.
	SessionIDGap = 24 * time.Hour
	// MaxSessionDays is how many local days after the day of its start a session
	// may still take events. By the end of the last of them no event of an
	// earlier day can be accepted any more, so arrival order cannot decide where
	// the cut falls.
	MaxSessionDays = 3
)

// JoinsPart tells whether an event at t lies less than gap from [start, end].
func JoinsPart(t, start, end event.Time, gap time.Duration) bool {
	return t.Sub(end) < gap && start.Sub(t) < gap
}

// JoinsSession tells whether a part that starts at `start` on local day `day`
// continues a session that began on startDay and so far ends at end.
func JoinsSession(start event.Time, day int32, end event.Time, startDay int32, gap time.Duration) bool {
	return start.Sub(end) < gap && day-startDay <= MaxSessionDays
}
