// Package demoshop is a small shop that sells nothing: Saltmarsh Supply, a multi-page site with the
// Tidemark tracker on every page, so that a newcomer has something to click and the browser tests
// have something to browse.
//
// It is not part of the product: only the demo mode mounts it, and nothing imports it but the
// composition root.
//
// Guarantees: every page is served from the binary, loads nothing from another host, and works in
// light and dark. The cart lives in the visitor's own browser; the server keeps nothing.
//
// Concurrency: the handler is immutable after Handler returns and may be used by any goroutine.
//
// Start reading at Handler; what is for sale is in goods.go, and what the pages report is in
// static/shop.js.
package demoshop
