// Package ga4 reads what GA4's browser tag sends to /g/collect: one event in the
// query string, or params that all events share in the query string and one
// event a line in the body.
//
// The protocol is not published by its owner; this follows what tags are seen
// to send. Params that are not known are ignored.
//
// Decisions:
//   - The tag tells engagement (_et, seg), so engagement is known (S11).
//   - The event key is a hash of cid, sid, _p, _s and the line (S5); without _p
//     or _s two events could not be told apart, so the event gets a random key.
//   - gcs=G1x0 says that analytics storage was denied. The tag then makes up a
//     new client id for each page. The draft is Anonymous: the event counts
//     without client id, user id, session id and the flags that follow from them.
//   - Items (pr1, pr2, ...) become one text param "items": a JSON array.
//
// Start reading at Decode.
package ga4
