// Package ui serves the two things that browsers load: the dashboard, a single-page application
// built from ui/, and the tracker, built from tracker/. Both are embedded in the binary.
//
// It is not an API: the dashboard asks the report API like any other client, and nothing here knows
// a property, a member or a number.
//
// Guarantees:
//
//   - Files under /assets/ carry a hash of their content in their names and may be kept forever;
//     everything else is revalidated by ETag.
//   - An address that is no file answers with the application, which has routes of its own; an
//     address that looks like a file and is none is a 404, so that a stale asset is never HTML.
//   - The content security policy lets the dashboard load and call its own origin only.
//   - A tree that was never built still compiles: both handlers then answer 503 and say what to do.
//
// Concurrency: handlers are immutable after construction and may be used by any goroutine.
//
// Start reading at Handler; how one file is answered is in asset.go.
package ui
