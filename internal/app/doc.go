// Package app is the composition root: which parts a server is made of, in what
// order they start and stop, and what serves which path. It is the only package
// that knows every other.
//
// It decides nothing else. A choice that an operator makes is in package config.
//
// The order of starting is the list in server.go; stopping is its reverse:
//
//	A1  The listener stops accepting and lets requests under way end.
//	A2  The collector's ticker ends: nothing is appended any more.
//	A3  The processor folds what is in the log, makes a last checkpoint, ends.
//	A4  Store, state, log and registry close.
//
// Start reading at server.go.
package app
