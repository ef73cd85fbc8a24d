// Package product assembles the real pipeline for tests, without HTTP: event log,
// fold, store and reports, as the serving process wires them. It plays .spec
// files and takes part in property and crash tests.
//
// It is not a mock: only the file system of the log and the state may be in
// memory, and clocks stand still.
//
// Concurrency: one goroutine at a time, except Answer.
//
// Start reading at Open.
package product
