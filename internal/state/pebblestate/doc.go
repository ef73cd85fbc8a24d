// Package pebblestate keeps the processor's state in Pebble: one synced batch
// per commit. docs/format/state.md describes the keys.
//
// It knows nothing of what a client record means.
//
// Concurrency: as package state says. Start reading at pebblestate.go.
package pebblestate
