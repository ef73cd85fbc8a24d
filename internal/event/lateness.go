// Lateness: how long after it happened an event may arrive (S2, S3).
package event

import "time"

// Horizons of the fold. Changing one changes what is counted (docs/semantics.md).
const (
	// AllowedLatenessTrusted is for events sent with an API secret.
	AllowedLatenessTrusted = 72 * time.Hour
	// AllowedLateness is for all others.
	AllowedLateness = 24 * time.Hour
	// KeyMemory is how long, in IngestTime, an event key is remembered (S7).
	KeyMemory = 72 * time.Hour
	// FinalLag is how far finalThrough stays behind processedThrough (S27).
	FinalLag = 72 * time.Hour
	// ClockJitter is how far records of a partition may be out of order by
	// IngestTime: collectors stamp it before the append. Days become final only
	// that much behind FinalLag, so that no event of a final day is on its way.
	ClockJitter = time.Minute
	// Attribution is how far back a session may look for its source (S17).
	Attribution = 90 * 24 * time.Hour
)

// TooLate tells whether e arrived after its allowed lateness (S3). It is a
// fact of the event itself: no watermark decides it.
func TooLate(e *Event) bool {
	allowed := AllowedLateness
	if e.Trusted {
		allowed = AllowedLatenessTrusted
	}
	return Time(e.IngestTime).Sub(Time(e.EventTime)) > allowed
}

// ResolveEventTime applies S2. client and sent are the client's clock when the
// event happened and when it was sent; zero means not given.
func ResolveEventTime(client, sent, ingest Time) (Time, ClockFix) {
	if client == 0 {
		return ingest, ClockFix_CLOCK_FIX_NONE_GIVEN
	}
	at, fix := client, ClockFix_CLOCK_FIX_AS_SENT
	if sent != 0 {
		at, fix = client+(ingest-sent), ClockFix_CLOCK_FIX_SKEW
	}
	if at > ingest {
		return ingest, ClockFix_CLOCK_FIX_CLAMPED
	}
	return at, fix
}
