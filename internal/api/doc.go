// Package api is role api: HTTP in, reports, ledgers, live events and logins
// out. The report methods speak GA4's Data API, in its JSON.
//
// It is not where anything is counted (package report) or kept (package
// property), and it serves no pages.
//
// Guarantees:
//
//	A1  No answer of a property goes to who may not read that property, and
//	    whether a property exists is not told either (D9).
//	A2  Requests, filters, live listeners and login attempts are bounded (D8).
//	A3  All results of a batch come from one snapshot (Q1).
//	A4  Errors have Google's shape and, where the asker can mend them, name the
//	    field and what would help.
//	A5  A change is made only by a request from a page of this server, or by
//	    no page at all.
//	A6  openapi.json names every route and no other.
//
// Concurrency: an API's handler is for any number of requests at once.
//
// Start reading at api.go, then run.go and request.go.
package api
