// Package service starts the parts of a process in order, keeps them running,
// and stops them in reverse.
//
// It is not a supervisor: a part that fails is not started again, the process
// ends and says why.
//
// Invariants:
//
//	SV1  A part starts only after those before it have started.
//	SV2  Parts stop in the reverse order, each once, and only if they started.
//	SV3  Start and Stop of a part are told by their context when their time is
//	     over, and the group goes on without one that does not listen.
//	SV4  The first error stops the others; Run returns all errors, the first first.
//	SV5  Abort ends Run at once. What was not stopped is as after kill -9.
//
// Concurrency: Add is called before Run, Run once; the functions of one part
// are called one after the other, Run of it beside those of other parts.
//
// Start reading at Group.Run.
package service
