// Package intenttest is the conformance suite of intents: what every adapter of
// package intent must do, by the labels I1 to I6 and I8 of the contract. I7 each adapter
// tests itself, by what it does to its database.
//
// Start reading at Run; Play is the part that races.
package intenttest
