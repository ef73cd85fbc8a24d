// Package obs is how an operator sees the process: logs, telemetry, health,
// and profiles on a listener of their own.
//
// It is not where telemetry is defined: each package has its own instruments
// and is given the registry to put them into. There is no global logger and no
// global registry.
//
// Guarantees:
//
//	OB1  /healthz answers 200 as long as the process can answer.
//	OB2  /readyz answers 200 only when every named check passes, and says
//	     which do not.
//	OB3  Profiles are served on a loopback address or not at all.
//
// Concurrency: everything may be called from any goroutine.
//
// Start reading at health.go.
package obs
