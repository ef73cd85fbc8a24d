// Package secret makes the random secrets and identifiers of the registry and
// says how they are kept (R2), so that every adapter keeps them alike and a
// registry can be moved from one to another.
//
// It keeps nothing itself. All functions may be called from any goroutine.
package secret
