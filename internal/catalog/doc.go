// Package catalog is the list of what a report can ask for: every dimension
// and every metric once, with its name (GA4 Data API), what it means, its scope,
// and from which counted parts it is made.
//
// It is data, not a planner: package report turns facts into columns of the
// store and parts into aggregates. API metadata, validation and the reference
// text docs/reference/catalog.md are made from it.
//
// Invariants:
//
//	C1  A name is either a dimension or a metric, and is listed once.
//	C2  A metric is (Plus - Minus) / Unit / Over of whole numbers, so that
//	    ratios are divided once, from exact parts (S36).
//	C3  docs/reference/catalog.md is what Markdown prints; a test says so.
//
// A Catalog never changes after New and may be read from any goroutine.
//
// Start reading at catalog.go, then dimensions.go and metrics.go.
package catalog
