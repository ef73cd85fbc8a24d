// Package sim plays the life of a small Tidemark from a seed: senders with retries
// and copies, two collectors over HTTP handlers, the log, folds, checkpoints, final days and
// questions, in one process, while power is cut, disks fail, stores stand still and
// processes are restarted. The clock is simulated: months pass in a tenth of a second.
//
// What a run does is drawn from its seed alone, and its trace says it step by
// step. Only how goroutines take turns is not: a power cut "before the 7th write" of
// a step is before the 7th that happens.
//
// Everything is the product's own but the registry (two maps) and, unless Options ask for
// DuckDB, the store (storetest.Mem, which keeps the store's contract). It is held to what
// senders know (acknowledged, sent) and to the oracle over what is in the log.
//
// Concurrency: one Run is one goroutine's; runs do not share anything.
//
// Start reading at Run.
package sim
