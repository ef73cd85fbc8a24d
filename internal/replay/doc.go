// Package replay counts the final days of a property again: it folds what the archive
// holds, under the definition in force or a changed one, into a shadow beside the
// store, says what would differ, and puts the shadow's rows in the place of the old ones.
//
// It decides nothing that is counted: package fold does, as it did when the events
// came. It opens no store of its own: the caller gives it a shadow.
//
// Invariants:
//
//	RP1  Nothing that reports can see changes before Apply, and Apply is one commit.
//	RP2  Replaying under the definition under which the days were counted changes no
//	     answer.
//	RP3  Only days that are final, also under the new definition, are replaced.
//	RP4  What an erasure took does not come back: Apply refuses if final days were
//	     restated since they were read.
//	RP5  Memory is bounded by portions and one day's live clients, not by the range.
//
// Concurrency: an Engine runs one replay at a time; a second one gets ErrBusy. A
// Result is for one goroutine.
//
// Start reading at replay.go, then shadow.go. docs/design/0008-replay.md says why it
// is built so.
package replay
