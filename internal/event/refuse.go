// RefuseReason: the closed list of why an event was not accepted (S33, S37).
package event

// RefuseReason is why a collector did not accept an event. Each has a counter
// per property in the ledger. Names are persisted and never change (V3).
type RefuseReason string

// The reasons. A new one needs a line here and in docs/glossary.md.
const (
	RefuseUnknownProperty RefuseReason = "unknown_property" // no data stream has this measurement id
	RefuseBadSecret       RefuseReason = "bad_api_secret"   // an API secret was given or needed and is wrong
	RefuseMalformed       RefuseReason = "malformed"        // the body or the event cannot be read
	RefuseNoName          RefuseReason = "no_event_name"
	RefuseBadName         RefuseReason = "bad_event_name" // too long, or characters the protocol forbids
	RefuseReservedName    RefuseReason = "reserved_event_name"
	RefuseNoClient        RefuseReason = "no_client_id" // the protocol requires one
	RefuseTooLarge        RefuseReason = "too_large"    // the event is over the size limit
	RefuseTooManyEvents   RefuseReason = "too_many_events"
	RefuseTooManyParams   RefuseReason = "too_many_params"
	RefuseBadTime         RefuseReason = "bad_time" // a client time that is no time
	RefuseBadURL          RefuseReason = "bad_url"
	RefuseConsent         RefuseReason = "no_consent" // analytics storage was denied by the sender
)

// RefuseReasons lists all of them in the order in which they are shown.
func RefuseReasons() []RefuseReason {
	return []RefuseReason{
		RefuseUnknownProperty, RefuseBadSecret, RefuseMalformed, RefuseNoName, RefuseBadName,
		RefuseReservedName, RefuseNoClient, RefuseTooLarge, RefuseTooManyEvents,
		RefuseTooManyParams, RefuseBadTime, RefuseBadURL, RefuseConsent,
	}
}
