// Package collect is the role collector: HTTP in, decode, validate, add what only
// the connection can tell, append to the event log, and only then 2xx.
//
// It is not a place where anything is counted or looked up later: duplicates,
// sessions, sources, devices and lateness are the fold's.
//
// Guarantees:
//
//	C1  A 2xx answer is given only after Append returned nil for every event and
//	    every refusal of the request, in one batch (D1, S37, L6).
//	C2  received = accepted + refused, per property, in that same batch (D6, S33).
//	C3  No raw IP address leaves the request: it is looked up, hashed and
//	    forgotten, and is in no record and no log line (D10, S39).
//	C4  Memory taken by requests is bounded in sum, bodies, decompressed bodies and
//	    decoded events alike; beyond it the answer is 503 with Retry-After (D8).
//	C5  Before the first event of a property's version, its Definition is in every
//	    partition.
//
// Decisions that a sender notices:
//   - Cookieless client id (S10): keyed hash of property, address and user agent
//     with the salt of the event's local day. The address is the whole IPv4
//     address (a shorter prefix would take neighbours for one person) or the /64
//     of an IPv6 one (the rest changes by itself within a day). An event so old
//     that its day's salt is gone gets a random id: it is too late anyway (S3).
//   - The client's address is the connection's, unless that is a trusted proxy:
//     then the right-most address in the configured header that is not one.
//   - gtag hits that deny analytics storage are counted without the identity that
//     they bring, as cookieless, or are refused (no_consent) if denied_consent says
//     so. Measurement Protocol consent is about advertising and changes nothing.
//   - Measurement Protocol events come from servers: neither the connection's
//     address nor its user agent describes the user, so neither is used.
//   - Measurement Protocol and gtag always answer 204, what they refuse is in the
//     ledger; 503 is the exception, since then nothing was kept, or nobody knows.
//
// Concurrency: a Collector and a Directory serve any number of goroutines.
//
// Start reading at Collector.Handler, then arrival.go and accept.go.
package collect
