// Package geo tells where an address is, from database files in MaxMind's DB
// format, and whether it lies in ranges that no person browses from.
//
// It is not where addresses are taken from a request (package collect) and it
// keeps none: what it remembers are places, not addresses (D10).
//
// Invariants:
//
//	G1  Nothing is known of an address that no database holds: Lookup returns
//	    nil, never a guess.
//	G2  An answer names the database and its build, so that a report can say
//	    which data decided (S39).
//
// Both kinds of file that the packages of ip-location-db hold are read, and
// MaxMind's own: city files (country_code, state1, city) and country files
// (country_code). scripts/fetch-geo.sh gets a set; docs/operate/geo.md names
// sizes and licences.
//
// Concurrency: DB and Ranges may be used by many goroutines at once. Close
// must not run beside Lookup.
//
// Start reading at db.go.
package geo
