// Package spool is the event log of a collector whose real log can be away. While
// the far log (Kafka) does not take what comes, it is kept in a near log (a disk)
// and acknowledged; when the far log is back, it is forwarded in order.
//
// It is not a log to read from, and no second place where events stay: the near
// log is empty nearly always. It knows the contract of package eventlog, no
// adapter: the app gives it both logs.
//
// How it works: each partition has a lane. A lane goes to the far log until an
// append there fails; then it goes to the near log, where each append is one frame
// (frame.go) in the same partition, with its records and its counts. One forwarder
// for each such lane (forward.go) appends frames to the far log and then truncates
// the near one. When nothing is left it holds back new appends for a moment,
// forwards what came last, and turns the lane back (handover, lane.go).
//
// Guarantees:
//
//	SP1  When Append returns nil, each record and each count of the batch is
//	     durable in one of the two logs (D1, L1).
//	SP2  A frame leaves the near log after the far log has it, or, if the far log
//	     never will (ErrInvalid), after a file has it. It can reach the far log more
//	     than once: its events have keys (S7), and each brings its own count
//	     (count.go), so that what is accepted twice is stored once and once a
//	     duplicate, and the account balances (S33).
//	SP3  What was appended to a partition after an append had returned nil comes
//	     after it in the far log, as far as first copies go: while a lane has
//	     frames, or may get one, nothing of its partition goes to the far log past
//	     them.
//	SP4  No more than one append for each caller waits for a far log that does not
//	     answer, and no longer than MaxFarWait; then all go to the near log.
//	SP5  The spool is bounded by the near log's bounds and by MaxAge (S31). Beyond
//	     them Append fails with ErrFull, and forwarding goes on.
//	SP6  Oldest is not after the IngestTime of any record that is not in the far
//	     log yet, whether it is spooled or on its way (S27).
//
// Limits, stated: a refusal that reaches the far log twice is received twice and
// refused twice. Copies that come after event keys are forgotten count again (S8):
// that takes a process that ends while it forwards and starts again days later.
//
// Concurrency: all methods may be called from any goroutine. An append enters its
// lanes in ascending order and may hold several. lane.mu is a leaf.
//
// Start reading at Spool.Append in append.go, then lane.go and forward.go.
// docs/format/spool.md has the bytes.
package spool
