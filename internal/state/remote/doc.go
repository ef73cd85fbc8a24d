// Package remote moves the state of a partition between machines: it saves copies
// of a state's directory to an object store (package blob), each under the name
// that an intent records, and makes directories of what was saved.
//
// It knows nothing of what is in the files, only that they belong to Pebble: their
// names are kept, and tables (.sst) never change. It does not decide who owns a
// partition; the epoch in each name does.
//
// An owner calls Fetch once, and then Save after each batch:
//
//	owner, _ := saves.Owner(partition, epoch)       // epoch of intent.Acquire
//	dir, _, _ := owner.Fetch(ctx, last.State, root) // last done, or saved
//	...                                             // open the state in dir, fold, commit
//	state.Copy(ctx, copy)
//	owner.Save(ctx, intent.StateName(partition, epoch, seq), copy)
//	owner.Prune(ctx, done.State)                    // now and then
//
// A save is an inventory, the list of its files, and pieces, the bytes of these
// files. A piece lies below the name of the save that uploaded it and is named by
// its checksum; later saves refer to it. docs/format/state-remote.md has the
// layout, docs/design/0016 the reasons.
//
// Guarantees:
//
//	MV1  A save is whole or not there: its inventory is created last, and once.
//	     What Save returned nil for, every later Fetch of the name gets, on any node.
//	MV2  Fetch makes exactly the files that were saved, byte by byte, or fails. What
//	     it found on the disk is verified like what it fetched.
//	MV3  After a crash within Fetch, dir is as it was before, missing, or complete.
//	MV4  An owner writes below its own epoch only, so what two owners write that both
//	     go on from one state never meets, whatever their files are called.
//	MV5  Prune takes nothing away from a save that is kept, nor from one that is done
//	     later or under way, by whoever, if its caller read the done state from the
//	     registry. It may be called by an owner that is fenced, and at any time later:
//	     a request that was delayed for hours does no harm either.
//	MV6  A save costs what changed: pieces of the save or fetch before are not
//	     uploaded again.
//
// Why MV5 holds. Let K be the done state, and order names by epoch and then
// sequence. A save that may still be needed is K, one that is kept, or one made
// on top of K: an owner starts from the done (or open and saved) state that it
// read after it acquired the partition, and its later saves build on its own. So
// it refers to pieces of K, and else only to pieces below names greater than K.
// Prune deletes inventories and pieces below names up to K that neither K nor what
// is kept refers to, and nothing else. Saves of fenced owners may lose pieces:
// the registry never names them. An inventory never changes once it is there (MV1
// rests on blob.Store.Create), so what Prune has read of it stays true.
//
// Concurrency: Fetch and Save of an Owner by one goroutine at a time; Prune and
// Verify beside them and by anybody. Two Owners must not use one root.
//
// Start reading at owner.go, inventory.go, save.go, fetch.go, prune.go.
package remote
