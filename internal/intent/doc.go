// Package intent is the contract of who may write a partition's batches and of
// what each batch is: the part of exactly-once that is decided before anything
// is inserted (S26).
//
// The owner of a partition takes it under an epoch (Acquire). For each batch it
//
//  1. records the intent: sequence number and offsets (Begin),
//  2. folds exactly these offsets and inserts the rows, one block per table and
//     day, each with the token Intent.Token, and waits for the store,
//  3. saves its state under the intent's state name, and says so (Save),
//  4. marks the intent done (Done).
//
// A new owner calls Acquire and then Progress. If there is an open intent, it
// takes it over with Begin under its own epoch, loads the state of the last done
// one, and does steps 2 to 4 again with the same offsets: blocks that were inserted
// have the same tokens, and the store drops them. If the open intent is saved, the
// rows are in the store and the state exists: only step 4 is left. The largest offset
// found in the store is a check of all this, never the truth.
//
// Rewind is for a store that lost its rows: the partition begins again where its log does, and
// no batch of before is done any more.
//
// It is not the log's list of consumers: who should own a partition is decided
// elsewhere, and anybody may Acquire. It only makes sure that there is one owner
// at a time whose writes count.
//
// Guarantees:
//
//	I1  Epochs of a partition grow strictly; each Acquire returns a new one.
//	I2  Fenced: after an Acquire returned, Begin, Save and Done under an older epoch
//	    change nothing and are ErrFenced, also if they were on their way.
//	I3  A partition has at most one open intent, and one intent per sequence
//	    number, whose offsets never change. Who takes it over changes epoch and
//	    state name only.
//	I4  Done intents follow each other: sequence numbers from 1 without a gap, and
//	    each begins at the offset where the last ended; where Rewind set them, from there.
//	I5  An intent is done only after it was saved.
//	I6  Begin, Save and Done are idempotent: repeated with the same values by the
//	    owner, they are no error. So an error that leaves the outcome open (the
//	    database went away) is answered by trying again.
//	I7  What was acknowledged survives a crash of the database.
//	I8  Rewind is one step, fenced and idempotent as the others. No sequence number is
//	    given twice, before and behind it: what still comes of a batch of before has a name that
//	    no batch of afterwards has. Epochs go on as well.
//
// A fenced owner may still be writing to the object store and the store. State
// names hold the epoch (StateName), so it overwrites nothing of the new owner's;
// tokens do not, so what it inserts late of an intent that both know is the same
// block and is dropped.
//
// Concurrency: all methods may be called from any goroutine and any process. The
// suite in intenttest holds every adapter to this.
package intent
