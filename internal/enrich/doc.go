// Package enrich understands the texts of an event: which page a URL names,
// which browser a user agent is, where a visit came from, whether the sender
// is a program, and which channel a source belongs to.
//
// It decides nothing about sessions or counting (package fold) and knows
// nothing about addresses on a map (package geo). It never looks at a clock,
// a network or a file: its tables are compiled into the binary.
//
// Invariants:
//
//	N1  What Derive and Channel say depends on their arguments only. Caches
//	    and their bounds change how long an answer takes, never the answer,
//	    so that a replay gives the same rows (S31, S39).
//	N2  No text, however hostile, makes Derive panic or take longer than a
//	    fixed number of pattern trials; memory is bounded by Config (D8).
//	N3  A missing text is "(not set)", never empty, except Facts.Query and
//	    Facts.Verdict (S36).
//
// Concurrency: a Deriver may be used by many goroutines at once; Channel too.
// Texts in Facts may share memory with the event they came from: they are
// valid as long as the event's own texts are.
//
// Start reading at facts.go, then source.go, agent.go and channel.go. The
// tables that a person edits are in rules/.
package enrich
