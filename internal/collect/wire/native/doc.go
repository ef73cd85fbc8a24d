// Package native reads the body of POST /v1/events: one JSON object, an array of
// them, or one after another (NDJSON).
//
// A value of a wrong type spoils its event, not the request; a body that is not
// JSON spoils the request. In NDJSON a line that is not JSON spoils that line.
//
// Engagement is known (S11) if the event says engagement_ms or engaged at all,
// true or false; else an event is a sign of life unless it says
// "interactive": false.
//
// Start reading at Decode.
package native
